"""The state folder: where everything is that a stack leaves on disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.model.errors import FolderTrouble

MARK = "TWINSHOP_STACK_FOLDER"  # in the environment of every process we start, so that it is found again
REPOSITORY = Path(__file__).resolve().parents[2]
LEAST_FREE_MB = 500
SOCKETS = Path("/tmp")  # noqa: S108  (a folder of our own in it; TMPDIR may be too long: a path has 104 bytes at most)


@dataclass(frozen=True)
class Home:
    """The folders below `$TWINSHOP_HOME` (default `.twinshop` beside the code)."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """Return the folder that `TWINSHOP_HOME` names, or the default."""
        folder = os.environ.get("TWINSHOP_HOME")
        return cls((Path(folder) if folder else REPOSITORY / ".twinshop").absolute())

    @property
    def keys(self) -> Path:
        """Generated secrets; 0700."""
        return self.root / "keys"

    def stack(self, stack: str) -> Path:
        """The folder of one stack."""
        return self.root / stack

    def logs(self, stack: str) -> Path:
        """One file for each replica, and `supervisor.log`."""
        return self.root / stack / "logs"

    def log(self, stack: str, instance: str) -> Path:
        """The log of one replica."""
        return self.logs(stack) / f"{instance}.log"

    def data(self, stack: str, part: str) -> Path:
        """The data of one part."""
        return self.root / stack / "data" / part

    def prepare(self, stack: str) -> None:
        """Create the stack's folders. Raises FolderTrouble when that cannot be, or when the disk is nearly full."""
        with writing(self.root):
            for folder in (self.logs(stack), self.data(stack, "x").parent, self.stack(stack) / "envoy"):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.stack(stack) / ".writable"
            probe.write_bytes(b"x" * 4096)  # a full disk lets an empty file pass
            probe.unlink()
        free_mb = shutil.disk_usage(self.root).free // 2**20
        if free_mb < LEAST_FREE_MB:
            raise FolderTrouble(f"Only {free_mb} MB are free at {self.root}; {LEAST_FREE_MB} MB are needed.")


def socket_path(folder: str, what: str) -> Path:
    """Return the Unix socket by which something of a stack's folder is reached, in a folder of this user's."""
    name = hashlib.sha256(folder.encode()).hexdigest()[:16]
    return SOCKETS / f"twinshop-{os.getuid()}" / f"{name}-{what}.sock"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn any failure to write below `folder` into a FolderTrouble that names it."""
    try:
        yield
    except OSError as error:
        raise FolderTrouble(
            f"Cannot write to {error.filename or folder}: {error.strerror}. "
            "Set TWINSHOP_HOME to a folder of yours with some space."
        ) from error


def read_json(path: Path) -> Any:
    """Return what a file holds, or None if there is none."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None


def write_atomically(path: Path, content: str, mode: int = 0o644) -> None:
    """Replace a file so that a reader sees the old content or the new, and never half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    fresh.replace(path)
