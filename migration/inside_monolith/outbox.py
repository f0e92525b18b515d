"""Events of the monolith: written in the transaction that causes them, and handed to the broker afterwards.

Rows are kept as the services keep them (microservices/kit/outbox.py): until all readers have handled the event.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time

from sqlalchemy import Connection

from microservices.kit.broker import Broker
from microservices.kit.outbox import BATCH, FORGET, LINGER_S, PUT, SEND_AGAIN, SENT, UNSENT
from migration.inside_monolith.config import CALLER
from monolith.database import Database
from shared.contract.events import Event, subject_of
from shared.platform.failpoints import failpoint
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

SWEEP_S = 1.0
STOP_WITHIN_S = 5.0


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
        connection.execute(PUT, {"type": event.type, "payload": event.model_dump_json()})

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
        broker = Broker(self._url, CALLER)
        connected = asyncio.create_task(broker.run())
        store, sweep_at = "", 0.0
        while not (self._stopping.is_set() or connected.done()):
            if time.monotonic() >= sweep_at:
                store, sweep_at = await self._forget_handled(broker), time.monotonic() + SWEEP_S
            while await self._publish_batch(broker, store):
                pass
            await asyncio.to_thread(self._wake.wait, SWEEP_S)
            await asyncio.sleep(LINGER_S)
            self._wake.clear()

    async def _forget_handled(self, broker: Broker) -> str:
        """Delete what all readers have handled, send again what a broker has lost; return the name of its store."""
        progress = await broker.progress()
        with self._database.transaction() as connection:
            connection.execute(SEND_AGAIN, {"store": progress.store})
            connection.execute(FORGET, {"store": progress.store, "sequence": progress.sequence})
        return progress.store

    async def _publish_batch(self, broker: Broker, store: str) -> bool:
        """Publish one batch; return whether there may be more. Raises if the broker is away or full: the rows stay."""
        with self._database.transaction() as connection:
            rows = connection.execute(UNSENT, {"batch": BATCH}).all()
            if not rows:
                return False
            sends = (broker.publish(subject_of(row.type), row.payload.encode()) for row in rows)
            numbers = [*await asyncio.gather(*sends)]
            connection.execute(SENT, {"store": store, "ids": [row.id for row in rows], "sequences": numbers})
            # A crash from here to the commit sends the batch again: inboxes know it by the events' ids.
            failpoint("outbox.published")
        for row in rows:
            self._published.labels(row.type).inc()
        return len(rows) == BATCH
