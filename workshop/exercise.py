"""An exercise's copy of the code: made in the state folder from a patch, run from there, never in the work tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy import stacks
from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY, Home, writing
from deploy.model.topology import SHOPS
from deploy.runner.console import console
from workshop.customer import Visitor
from workshop.labs import FOLDER, Lab
from workshop.progress import folder_of

START, SOLUTION = "start.patch", "solution.patch"
_APPLY = ("apply", "-C1")  # a line of context on each side is enough: the code around an exercise lives on
COMMAND_LIMIT_S = 180.0
_GIT = ("git", "-c", "user.name=workshop", "-c", "user.email=workshop@twinshop.example", "-c", "core.hooksPath=")


class Exercise:
    """The copy that belongs to a lab, with a state folder of its own, so that its data meets nobody else's."""

    def __init__(self, lab: Lab, home: Home) -> None:
        self.lab = lab
        self._folder = folder_of(home) / f"lab-{lab.number:02d}"
        self.code = self._folder / "code"
        self.home = Home(self._folder / "home")

    @property
    def patches(self) -> Path:
        """Where the start and the solution are."""
        return FOLDER / "exercises" / self.lab.path.stem

    @property
    def exists(self) -> bool:
        """Whether the copy has been made."""
        return (self.code / ".git").exists()

    def start(self, *, again: bool = False) -> None:
        """Make the copy afresh, with the patch that the exercise starts from.

        Raises DeployError, also where a copy is there that was changed; `again` puts that one aside.
        """
        if self.exists and (changed := self._git("diff", "--name-only", self._begin()).split()):
            names = ", ".join(changed[:3]) + (" and more" if len(changed) > 3 else "")
            if not again:
                raise DeployError(
                    f"Your copy of lab {self.lab.number} holds work of yours, in {names}. "
                    "It is put aside, and a new one begun, with `--again`."
                )
            self._put_aside()
        with writing(self._folder):
            shutil.rmtree(self._folder, ignore_errors=True)
            for name in _files_of(REPOSITORY):
                target = self.code / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, target)
            _open_to_everybody(self._folder)
        self._git("init", "--quiet")
        if (self.patches / START).exists():
            self._git(*_APPLY, str(self.patches / START))
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", f"Lab {self.lab.number}: where the exercise starts")

    def _begin(self) -> str:
        """Return the commit that the exercise starts from, whoever has committed since; new files are known then."""
        self._git("add", "--all", "--intent-to-add")
        return self._git("rev-list", "--max-parents=0", "HEAD").strip()

    def _put_aside(self) -> None:
        aside = self._folder.with_name(f"{self._folder.name}-{time.strftime('%Y%m%d-%H%M%S')}")
        with writing(aside):
            aside.mkdir()
            self.code.rename(aside / self.code.name)
        console.print(f"What you had is in {aside / self.code.name}", markup=False)

    def solve(self) -> None:
        """Lay the solution over a copy that stands at its start. Raises DeployError."""
        self._git(*_APPLY, str(self.patches / SOLUTION))

    def changes(self) -> list[tuple[int, int, str]]:
        """Return what was changed since the start: lines added, lines taken away, file."""
        rows = [line.split("\t") for line in self._git("diff", "--numstat", self._begin()).splitlines()]
        return [(int(added), int(removed), name) for added, removed, name in rows if added != "-"]

    def environment(self) -> dict[str, str]:
        """Return the variables with which `twinshop` and the parts run the copy, and keep their state apart."""
        return os.environ | {
            "PYTHONPATH": str(self.code),
            "TWINSHOP_HOME": str(self.home.root),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }

    def shell(self) -> int:
        """Open a shell in the copy; there `twinshop` means the copy's."""
        self.require_copy()
        console.print(f"A shell in {self.code}; `twinshop` here runs this copy. `exit` ends it.")
        command = [os.environ.get("SHELL", "/bin/sh")]
        return subprocess.run(command, cwd=self.code, env=self.environment(), check=False).returncode

    def twinshop(self, *words: str) -> str:
        """Run a command of the copy's `twinshop`, and return what it printed. Raises DeployError."""
        process = self.attempt(*words)
        if process.returncode != 0:
            raise DeployError(f"`twinshop {' '.join(words)}` in the copy failed:\n{process.stdout[-3000:]}")
        return process.stdout

    def attempt(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the copy's `twinshop`, whatever its status."""
        return self.python("-m", "twinshop.cli", *words)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy."""
        return subprocess.run(
            [sys.executable, *words], cwd=self.code, env=self.environment(), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False, timeout=COMMAND_LIMIT_S,
        )  # fmt: skip

    @contextmanager
    def up(self, *stacks: str, settings: Sequence[str] = (), products: int = 50) -> Iterator[dict[str, Visitor]]:
        """Start these shops from the copy; yield a customer at each, and stop the shops at the end.

        What the participant has up is stopped first, for it holds the same ports.
        """
        self.require_copy()
        stop_what_runs()
        choice = "both" if len(stacks) > 1 else stacks[0]
        options = [word for setting in settings for word in ("--set", setting)]
        try:
            self.twinshop("up", choice, "--products", str(products), *options)
            yield {name: Visitor.at(self.runner(name), "crunchy-carla") for name in stacks}
        finally:
            self.attempt("down")

    def runner(self, stack: str) -> LocalRunner:
        """Return what speaks to a shop of the copy that is up."""
        return LocalRunner(stack, self.home)

    def admin(self, stack: str) -> Visitor:
        """Return an admin at a shop of the copy that is up."""
        return Visitor.at(self.runner(stack), "ada-the-admin", "admin")

    def require_copy(self) -> None:
        """Raise DeployError unless the copy has been made."""
        if not self.exists:
            raise DeployError(f"The exercise has not begun: `twinshop lab {self.lab.number} --start`.")

    def _git(self, *words: str) -> str:
        process = subprocess.run([*_GIT, *words], cwd=self.code, capture_output=True, text=True, check=False)
        if process.returncode != 0:
            raise DeployError(f"git {words[0]} in {self.code} failed:\n{process.stderr.strip()}")
        return process.stdout


def stop_what_runs() -> None:
    """Stop the shops that are up in the participant's own state folder."""
    if ended := stacks.down(SHOPS):
        console.print(f"Stopped {', '.join(ended)}: the exercise needs their ports.")


def _files_of(repository: Path) -> list[str]:
    """Return the files of the work tree, those that are not committed yet too. Raises DeployError without git."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    process = subprocess.run(words, cwd=repository, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise DeployError(f"An exercise needs the clone that it is made from, and git: {process.stderr.strip()}")
    return [name for name in process.stdout.split("\0") if name and (repository / name).is_file()]


def _open_to_everybody(folder: Path) -> None:
    """Let others read the copy: PostgreSQL runs as another user where we are root."""
    for path in (folder.parent, folder):
        path.chmod(path.stat().st_mode | 0o055)
