"""Events of the monolith: written in the transaction that causes them, and handed to the broker afterwards."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from sqlalchemy import Connection, text

from migration.inside_monolith.config import CALLER
from monolith.database import Database
from shared.contract.events import Event, subject_of
from shared.platform.failpoints import failpoint
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

BATCH = 200
LINGER_S = 0.05  # nobody waits for an event, and one round trip carries many
SWEEP_S = 1.0
PUBLISH_TIMEOUT_S = 2.0
RECONNECT_WAIT_S = 0.2
STOP_WITHIN_S = 5.0
_EVER = -1

_PUT = text("INSERT INTO outbox (type, payload) VALUES (:type, :payload)")
# What is in the table is what is unsent: a row goes when the broker has it.
_TAKE = text(
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED) "
    "RETURNING id, type, payload"
)


class Outbox:
    """Where modules put events, and the thread that hands them on. It speaks to the broker on a loop of its own."""

    def __init__(self, database: Database, nats_url: str, metrics: Metrics) -> None:
        self._database, self._url = database, nats_url
        self._published = metrics.events_published
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def put(self, connection: Connection, event: Event) -> None:
        """Write an event in the caller's transaction. Call `wake` after the commit, or it leaves with the sweep."""
        connection.execute(_PUT, {"type": event.type, "payload": event.model_dump_json()})

    def wake(self) -> None:
        """Call after the commit: there is something to hand on."""
        self._wake.set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the batch at hand finish."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                asyncio.run(self._relay())
            except Exception:  # whatever it was: the rows stay, and the next round tries again
                log.warning("the outbox is not emptied", exc_info=True)
                self._stopping.wait(SWEEP_S)

    async def _relay(self) -> None:
        import nats  # noqa: PLC0415  (only a monolith that has lost a module speaks to a broker)

        client = await nats.connect(
            self._url, name="monolith", inbox_prefix=f"_INBOX.{CALLER}", connect_timeout=1,
            reconnect_time_wait=RECONNECT_WAIT_S,
            max_reconnect_attempts=_EVER, error_cb=_log_error,
        )  # fmt: skip
        try:
            jetstream = client.jetstream(timeout=PUBLISH_TIMEOUT_S)
            while not self._stopping.is_set():
                await asyncio.to_thread(self._wake.wait, SWEEP_S)
                await asyncio.sleep(LINGER_S)
                self._wake.clear()
                while await self._publish_batch(jetstream):
                    pass
        finally:
            await client.close()

    async def _publish_batch(self, jetstream: Any) -> bool:
        """Publish one batch; return whether there may be more. Raises if the broker is away: the rows stay."""
        with self._database.transaction() as connection:
            rows = sorted(connection.execute(_TAKE, {"batch": BATCH}).all(), key=lambda row: row.id)
            if not rows:
                return False
            sends = (
                jetstream.publish(subject_of(row.type), row.payload.encode(), timeout=PUBLISH_TIMEOUT_S) for row in rows
            )
            await asyncio.gather(*sends)
            # A crash from here to the commit sends the batch again: inboxes know it by the events' ids.
            failpoint("outbox.published")
        for row in rows:
            self._published.labels(row.type).inc()
        return len(rows) == BATCH


async def _log_error(error: Exception) -> None:
    log.warning("broker: %s", error or type(error).__name__)
