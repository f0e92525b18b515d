"""A SQLite file with one owner, whose writes are committed in groups: what was answered survives a kill -9."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

OWNER_WAIT_S = 2.0  # how long to wait for a previous owner, which may still be going down


class Storage:
    """One connection used from one event loop, without threads: a statement takes some 10 us, a commit some 30 us.

    `write` joins the open group and the group is committed once the loop has run what is ready, so that a
    hundred requests that arrive together cost one commit. Nothing may be answered before `wait_committed` returns,
    and it is awaited right after the write: once the loop has run, the group and its failure are history.
    """

    def __init__(self, path: Path, schema: str) -> None:
        """Open or create the file. Raises sqlite3.Error if it is no database, or has another owner."""
        self._group: asyncio.Future[None] | None = None
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=OWNER_WAIT_S)
        try:
            # Exclusive: a second process on the same file is refused at its start, instead of sharing it.
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            # NORMAL: a commit is in the system's hands before it is answered, which outlives a killed
            # process; only a power cut may take the last ones.
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self.create(schema)
        except sqlite3.Error:
            self._connection.close()
            raise

    def create(self, schema: str) -> None:
        """Execute the statements of `schema`, each of which must be harmless when done again."""
        self._connection.executescript(schema)

    def read(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows. They may belong to the open group: call `wait_committed` before they are told to anyone."""
        return self._connection.execute(sql, values).fetchall()

    def write(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute in the open group, and return the rows of RETURNING."""
        if self._group is None:
            loop = asyncio.get_running_loop()
            self._connection.execute("BEGIN IMMEDIATE")
            self._group = loop.create_future()
            loop.call_soon(self._commit)
        return self._connection.execute(sql, values).fetchall()

    async def wait_committed(self) -> None:
        """Return when all that was written so far is durable. Raises sqlite3.Error if it could not be."""
        if self._group is not None:
            await asyncio.shield(self._group)

    def close(self) -> None:
        """Commit what is open and let go of the file."""
        if self._group is not None:
            self._commit()
        self._connection.close()

    def _commit(self) -> None:
        group, self._group = self._group, None
        if group is None:  # closed in the meantime
            return
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            group.set_exception(error)
            group.exception()  # seen: a group that nobody waits for must not complain on its own
        else:
            group.set_result(None)
