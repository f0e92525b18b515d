"""The gate: every request, and every step of a loop, passes it, and finds the same modules extracted until it is done.

To move a module, none may be under way: not one that began when the module was in and would end when it is out. So
each process holds a lock in the database, shared, as long as its gate is open. Who moves a module asks all gates to
close (`extraction.closing_until`, with a NOTIFY), takes the lock alone, which waits for the last operation of the last
process, does what is to be done, says which modules are extracted now, and lets go. Requests wait at the gate
meanwhile. A process that dies loses its lock with its connection; a mover that dies is outlived by its `closing_until`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from shared.domain.errors import Unavailable

log = logging.getLogger(__name__)

LOCK = 0x6D6F7665  # 'move': any number, as long as all who move take the same
CHANNEL = "extraction"
WAIT_S = 6.0  # below the edge's deadline
LOOK_EVERY_S = 0.5
AGAIN_AFTER_S = 0.05
_STATE = "SELECT extracted, coalesce(closing_until > clock_timestamp(), false) FROM extraction"


class Gate:
    """One a process. Closed until its thread runs and has the lock."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._changed = threading.Condition()
        self._is_open = False
        self._inside = 0
        self._extracted: frozenset[str] = frozenset()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gate", daemon=True)

    def is_extracted(self, module: str) -> bool:
        """Tell whether a module is a service of its own now. Inside an operation the answer stays the same."""
        return module in self._extracted

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Do something. Waits while modules are moved. Raises Unavailable if that takes too long."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Begin an operation; `leave` must follow. Raises Unavailable."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_open, WAIT_S):
                raise Unavailable("A module is being moved.")
            self._inside += 1

    def leave(self) -> None:
        """End an operation."""
        with self._changed:
            self._inside -= 1
            if not self._inside:
                self._changed.notify_all()

    def guard(self, step: Callable[[], bool], is_needed: Callable[[], bool]) -> Callable[[], bool]:
        """Return a loop's step as an operation that is only done while it is needed."""

        def guarded() -> bool:
            with self.operation():
                return step() if is_needed() else False

        return guarded

    def start(self) -> None:
        """Start the thread that keeps the lock."""
        self._thread.start()

    def stop(self) -> None:
        """Close for good."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, application_name="monolith gate") as connection:
                    connection.execute(f"LISTEN {CHANNEL}".encode())
                    while not self._stopping.is_set():
                        self._open_and_watch(connection)
            except psycopg.Error as error:
                self._close()  # the lock is gone with the connection
                log.warning("the gate is closed: %s", error)
                self._stopping.wait(LOOK_EVERY_S)

    def _open_and_watch(self, connection: psycopg.Connection) -> None:
        """Take the lock, stay open until somebody wants to move a module, and let go."""
        connection.execute("SELECT pg_advisory_lock_shared(%s)", [LOCK])
        extracted, closing = self._state(connection)
        if not closing:
            self._open(frozenset(extracted))
            while not self._stopping.is_set() and not closing:
                for _ in connection.notifies(timeout=LOOK_EVERY_S, stop_after=1):
                    pass
                closing = self._is_closed(connection)
            self._close()
        connection.execute("SELECT pg_advisory_unlock_shared(%s)", [LOCK])
        time.sleep(AGAIN_AFTER_S)

    def _is_closed(self, connection: psycopg.Connection) -> bool:
        """Close if that is wanted, and wait for what is under way, as long as it is wanted."""
        while self._state(connection)[1]:
            self._close()
            with self._changed:
                if self._changed.wait_for(lambda: not self._inside, AGAIN_AFTER_S):
                    return True
        self._open(self._extracted)  # what was under way took too long, and whoever asked has given up
        return False

    def _state(self, connection: psycopg.Connection) -> tuple[list[str], bool]:
        row = connection.execute(_STATE).fetchone()
        assert row is not None
        return row

    def _open(self, extracted: frozenset[str]) -> None:
        with self._changed:
            self._extracted, self._is_open = extracted, True
            self._changed.notify_all()

    def _close(self) -> None:
        with self._changed:
            self._is_open = False
