"""Copies a module's data to its other side while it is used: backfill, catch-up, verification.

Triggers note the key of every row that changes; then one snapshot is copied in batches, and from then on a thread
reads again what has changed and puts it in place. So the copy is some milliseconds behind, and equal once nobody
writes: count and checksum of every kind of record must show it before the copy is used for anything but reading.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from deploy.model.errors import DeployError
from deploy.runner.locks import retry_on_lock
from migration import records
from migration.records import Connection, Module
from shared.platform import pruning

log = logging.getLogger(__name__)

BATCH = 2000
LOOK_EVERY_S = 0.02
# What locks whole tables meets transactions that hold some of them. It gives up before PostgreSQL looks for deadlocks
# (after a second), so that it is never somebody's request that is ended, and tries again.
LOCK_TIMEOUT_MS = 500
PATIENCE_S = 20.0

# The columns of a key that has several are joined by the ASCII unit separator.
NOTE = """
CREATE TABLE IF NOT EXISTS changes (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record text NOT NULL,
    key text NOT NULL,
    at timestamptz NOT NULL
);
CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
    named text := (SELECT string_agg(changed ->> TG_ARGV[i], E'\\x1f' ORDER BY i)
                   FROM generate_series(1, TG_NARGS - 1) AS i);
BEGIN
    INSERT INTO changes (record, key, at) VALUES (TG_ARGV[0], named, clock_timestamp());
    RETURN NULL;
END $$;
"""
WATCHED = """
    SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
    WHERE proname = 'note_change' ORDER BY 1, 2
"""
TAKE = """
    DELETE FROM changes WHERE seq IN (SELECT seq FROM changes ORDER BY seq LIMIT 2000)
    RETURNING record, key, extract(epoch FROM clock_timestamp() - at)::float8
"""


class DataDiffers(DeployError):
    """The copy is not what it was copied from."""


@dataclass
class CopyProgress:
    """What a copy has done. `lag_ms`: how old the oldest change was when it was applied."""

    copied: int = 0
    caught_up: int = 0
    lag_ms: float = 0.0


class Copy:
    """One module's data, from `source` (`monolith` or `service`) to the other side. `urls`: both databases, by side."""

    def __init__(self, module: Module, source: str, urls: Mapping[str, str]) -> None:
        self.module, self.source = module, source
        self.target = "service" if source == "monolith" else "monolith"
        self.progress = CopyProgress()
        self.is_a_copy = True  # until it is the owner's data, from which nobody may take anything back
        self._from, self._to = _connect(urls[self.source]), _connect(urls[self.target])
        for side in (self._from, self._to):  # for as long as both shall be the same, neither side forgets old keys
            side.execute("SELECT pg_advisory_lock(%s)", [pruning.LOCK])
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="catch-up", daemon=True)

    def start(self) -> None:
        """Note changes from now on, copy what there is, and keep up from then on."""
        _patiently(self._to, *self.module.empty[self.target])
        self._watch()
        self._backfill()
        self._thread.start()

    def catch_up(self) -> None:
        """Apply every change that is noted now. Raises DataDiffers if the thread has failed."""
        if self._failure is not None:
            raise DataDiffers(f"The copy of {self.module.name} has stopped: {self._failure}") from self._failure
        with self._lock:
            while self._apply():
                pass

    def verify(self) -> int:
        """Return how many records both sides have, the same ones. Raises DataDiffers. Nobody may write meanwhile."""
        with self._lock:
            return sum(self._same(record) for record in self.module.records)

    def release(self) -> None:
        """Start what waits in the copied rows: they are no copies any more."""
        with self._lock:
            _patiently(self._from, *self.module.leave.get(self.source, ()))
            _patiently(self._to, *self.module.release.get(self.target, ()))

    def stop(self) -> None:
        """Keep up no longer, and note no changes any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self._from.closed:
            _unwatch(self._from)
        self._from.close()
        self._to.close()

    def _same(self, record: records.Record) -> int:
        here = records.fingerprint(self._from, record, self.source)
        there = records.fingerprint(self._to, record, self.target)
        if here != there:
            raise DataDiffers(
                f"{record.name}: the {self.source} has {here.count} with checksum {here.checksum}, the "
                f"{self.target} {there.count} with checksum {there.checksum}."
            )
        return here.count

    def _watch(self) -> None:
        _unwatch(self._from)  # what an earlier move may have left behind
        self._from.execute(NOTE.encode())
        for record in self.module.records:
            for table, columns in record.layout(self.source).watched.items():
                words = ", ".join(f"'{word}'" for word in (record.name, *columns))
                _patiently(
                    self._from,
                    f"CREATE TRIGGER note_{record.name} AFTER INSERT OR UPDATE OR DELETE ON {table} "
                    f"FOR EACH ROW EXECUTE FUNCTION note_change({words})",
                )

    def _backfill(self) -> None:
        """Copy one snapshot, in batches: what a record refers to is in it, too."""
        with self._from.transaction():
            self._from.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for record in self.module.records:
                after, count = None, BATCH
                while count:
                    rows, last, count = records.read_page(self._from, record, self.source, after, BATCH)
                    records.write(self._to, record, self.target, rows)
                    self.progress.copied += count
                    after = last

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._lock:
                    more = self._apply()
            except (psycopg.Error, OSError) as error:
                self._failure = error
                log.exception("the copy of %s has stopped", self.module.name)
                return
            if not more:
                self._stopping.wait(LOOK_EVERY_S)

    def _apply(self) -> bool:
        """Apply a batch of changes; return whether there were any. What is taken and not applied is noted again."""
        with self._from.transaction():
            changes = self._from.execute(TAKE.encode()).fetchall()
            if not changes:
                return False
            with self._to.transaction():
                for record in self.module.records:
                    keys = sorted({key for name, key, _ in changes if name == record.name})
                    if keys:
                        self._put(record, keys)
        self.progress.caught_up += len(changes)
        self.progress.lag_ms = max(self.progress.lag_ms, *(1000 * age_s for _, _, age_s in changes))
        return True

    def _put(self, record: records.Record, keys: list[str]) -> None:
        rows, present = records.read_keys(self._from, record, self.source, keys)
        records.write(self._to, record, self.target, rows)
        deleted_keys = [key for key in keys if key not in present]
        if deleted_keys:
            records.delete(self._to, record, self.target, deleted_keys)


def empty(module: Module, side: str, url: str) -> None:
    """Forget a module's data on a side that it has left: nobody shall read it there as if it were still true."""
    with _connect(url) as connection:
        _patiently(connection, *module.empty[side])


def _patiently(connection: Connection, *statements: str) -> None:
    """Run statements in one transaction, again and again while others hold what they lock. Raises psycopg.Error."""

    def run_them() -> None:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}".encode())
            for statement in statements:
                connection.execute(statement.encode())

    retry_on_lock(run_them, PATIENCE_S)


def _connect(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True, application_name="migration", options="-c timezone=UTC")


def _unwatch(connection: Connection) -> None:
    for table, trigger in connection.execute(WATCHED.encode()).fetchall():  # one lock at a time
        _patiently(connection, f"DROP TRIGGER IF EXISTS {trigger} ON {table}")
    _patiently(connection, "DROP FUNCTION IF EXISTS note_change", "DROP TABLE IF EXISTS changes")
