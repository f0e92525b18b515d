"""The folder of the models: written by whoever trains, looked at by every replica. One file for each version."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from variants.recommendations.model import Model

MODELS_TO_KEEP = 3  # the newest: a step back is a file that is deleted
_NAME = re.compile(r"model-(\d{6,})-(\d+)-orders-(\d+)-products-rank-(\d+)-([0-9a-f]{12})\.npz")
_LOCK = "training.lock"


@dataclass(frozen=True, order=True)
class Entry:
    """A model that lies there: the how manieth, made of what, and which content. `rank` is what was asked for."""

    number: int
    orders: int
    products: int
    rank: int
    version: str
    path: Path


class Shelf:
    """Models by number. Whoever reads one sees it whole: it comes by a rename."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entries(self) -> list[Entry]:
        """Return what there is, the oldest first. What bears another name is passed over. Raises OSError."""
        paths = list(self._folder.iterdir()) if self._folder.is_dir() else []
        named = [(match, path) for path in paths if (match := _NAME.fullmatch(path.name))]
        return sorted(
            Entry(int(match[1]), int(match[2]), int(match[3]), int(match[4]), match[5], path) for match, path in named
        )

    def newest(self) -> Entry | None:
        """Return the one that is to be served; None if nobody has trained one yet. Raises OSError."""
        return next(reversed(self.entries()), None)

    def put(self, model: Model, orders: int, rank: int) -> Entry:
        """Add a model of so many of the shop's orders, and forget the oldest. Raises OSError."""
        last = self.newest()
        number = last.number + 1 if last else 1
        made_of = f"{orders}-orders-{len(model.skus)}-products-rank-{rank}"
        path = self._folder / f"model-{number:06d}-{made_of}-{model.version}.npz"
        draft = path.with_suffix(f".{os.getpid()}.draft")
        draft.write_bytes(model.dump())
        draft.rename(path)
        for old in self.entries()[:-MODELS_TO_KEEP]:
            old.path.unlink(missing_ok=True)
        return Entry(number, orders, len(model.skus), rank, model.version, path)

    @contextlib.contextmanager
    def training(self) -> Iterator[bool]:
        """Yield whether nobody else is training for this folder, and keep others from it meanwhile. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
