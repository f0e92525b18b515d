"""Starting a process that outlives us, and reading what it wrote."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from deploy.model.home import REPOSITORY


def with_repository() -> str:
    """Return a PYTHONPATH that finds our packages from any working folder."""
    return os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])


def spawn(command: list[str], environment: Mapping[str, str], log: Path) -> int:
    """Start a process that outlives us, and return its number. It leaves our session by itself (see supervisor.py)."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], command, {**os.environ, **environment}, file_actions=files)


def tail(path: Path, lines: int, *, title: bool) -> str:
    """Return the last lines of a file, under its name if `title`."""
    text = path.read_text("utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join([f"==> {path.name} <==", *text] if title else text)
