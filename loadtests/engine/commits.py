"""Other commits of this repository as arms: each in a git work tree of its own, which is gone afterwards."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.model.checkout import Checkout
from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY, Home
from deploy.model.parts import Secrets, Site
from deploy.model.topology import stack as stack_of
from deploy.runner.program import output_of

FOLDER = "commits"  # below the state folder
REQUIREMENTS = "requirements.txt"
DIGITS = 12  # digits of a commit
INSTALLED_WITHIN_S = 900.0


@contextlib.contextmanager
def checked_out(name: str, stack: str) -> Iterator[Checkout]:
    """Have the packages of a commit, and an environment with what they require; ours, where that is the same.

    Raises DeployError: no such commit, or one that lacks what runs this stack.
    """
    commit = resolved(name)
    every = Home.from_environment().root / FOLDER
    every.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{commit}-", dir=every))
    try:
        _git("worktree", "add", "--detach", "--force", str(folder), commit)
        checkout = Checkout(commit, str(folder), str(_python(folder)))
        if lacking := checkout.lacks(stack_of(stack, Site(Secrets(b""), keys="", data=""))):
            raise DeployError(
                f"The commit '{name}' ({commit}) cannot run {stack} as it is deployed here: it has no "
                f"{', '.join(lacking)}. Name a younger one."
            )
        yield checkout
    finally:
        _remove(folder)


def clear() -> None:
    """Remove what a crash has left."""
    _remove(Home.from_environment().root / FOLDER)


def resolved(name: str) -> str:
    """Return the first digits of a commit. Raises DeployError for one that there is not, and where there is no git."""
    try:
        return _git("rev-parse", "--verify", "--quiet", f"--short={DIGITS}", "--end-of-options", f"{name}^{{commit}}")
    except DeployError as error:
        try:
            known = _git("log", "--oneline", "--no-decorate", "--max-count=3")
        except DeployError:
            raise DeployError(f"'@{name}' needs a clone with its history, and git: {error}") from error
        raise DeployError(
            f"There is no commit '{name}'; a branch, a tag, main~20 or a hash names one. The latest are:\n{known}"
        ) from error


def _python(folder: Path) -> Path:
    """Return the interpreter for a work tree; where it requires other packages, of an environment made for it."""
    if (folder / REQUIREMENTS).read_bytes() == (REPOSITORY / REQUIREMENTS).read_bytes():
        return Path(sys.executable)
    uv, python = str(Path(sys.executable).with_name("uv")), folder / ".venv" / "bin" / "python"
    requirements = ["--require-hashes", "-r", str(folder / REQUIREMENTS)]
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder / ".venv")],
        ["pip", "install", "--quiet", "--python", str(python), *requirements],
    ):
        output_of([uv, *command], INSTALLED_WITHIN_S, folder=REPOSITORY)
    return python


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(DeployError):
        _git("worktree", "prune")


def _git(*arguments: str) -> str:
    return output_of(["git", *arguments], INSTALLED_WITHIN_S, folder=REPOSITORY).strip()
