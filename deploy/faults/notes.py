"""Which faults are on now, as files in the state folder: whoever has one for an audience leaves a note of it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import psutil

from deploy.model.home import Home, write_atomically


@dataclass(frozen=True)
class FaultNote:
    """A fault that is on. Times are epoch seconds; `part` is empty where it strikes none."""

    stack: str
    fault: str
    part: str
    began_at: float
    ends_at: float
    pid: int


def folder(home: Home) -> Path:
    """Return where the notes are."""
    return home.root / "faults"


@contextlib.contextmanager
def noted(home: Home, stack: str, fault: str, part: str, lasts_s: float) -> Iterator[None]:
    """Leave a note for the length of the block."""
    now = time.time()
    note = FaultNote(stack, fault, part, now, now + lasts_s, os.getpid())
    path = folder(home) / f"{stack}-{uuid4().hex}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(asdict(note)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def current(home: Home) -> list[FaultNote]:
    """Return what is on, the latest first. A note whose writer is gone is thrown away."""
    notes = []
    for path in folder(home).glob("*.json"):
        with contextlib.suppress(FileNotFoundError):  # healed this moment
            note = FaultNote(**json.loads(path.read_text("utf-8")))
            if psutil.pid_exists(note.pid):
                notes.append(note)
            else:
                path.unlink()
    return sorted(notes, key=lambda note: -note.began_at)


def forget(home: Home, stack: str) -> None:
    """Throw a stack's notes away: all of it was healed."""
    for path in folder(home).glob(f"{stack}-*.json"):
        path.unlink(missing_ok=True)
