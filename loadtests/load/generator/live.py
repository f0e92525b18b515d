"""Requests as they are answered, for those who watch a load while it runs: one JSON array a line."""

from __future__ import annotations

import json
from pathlib import Path

import gevent

from loadtests.load.generator.record import Row

FILE = "live.jsonl"
FLUSH_EVERY_S = 0.25  # a write for each request would cost more than the rest of keeping it


class LiveFile:
    """The generator's side. A request in flight is not there yet."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FILE).open("w", encoding="utf-8")
        self._flushing = gevent.spawn(self._flush)

    def add(self, row: Row) -> None:
        """Write one request."""
        self._file.write(json.dumps(row) + "\n")

    def close(self) -> None:
        """End the file."""
        self._flushing.kill()
        self._file.close()

    def _flush(self) -> None:
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            self._file.flush()


class LiveReader:
    """The watcher's side: what came since the last look."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._at = 0

    def new(self) -> list[Row]:
        """Return the requests that were answered since the last call; half a line is left for the next."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + len(newline)
        return [Row(*json.loads(line)) for line in whole.splitlines()]
