"""The outbox: events are written in the transaction that causes them and leave for the broker afterwards."""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.broker import Broker
from microservices.kit.database import Database
from shared.contract.events import Event, subject_of
from shared.platform.failpoints import failpoint
from shared.platform.metrics import Metrics

CREATE_OUTBOX = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type text NOT NULL,
    payload text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)"""
# A row that the broker has keeps the number of its event there until all readers have handled it: a broker may lose its
# disk, and then the event is sent again.
KEEP_OUTBOX = (
    "ALTER TABLE outbox ADD COLUMN store text, ADD COLUMN sequence bigint",
    "CREATE INDEX outbox_unsent ON outbox (id) WHERE sequence IS NULL",
)

BATCH = 200
# Nobody waits for an event, and one round trip carries many: let some more come before each batch.
LINGER_S = 0.05
# Looking for rows that are unsent, and never for `id > last`, finds also the row of a transaction that took its id
# early and committed late.
UNSENT = text(
    "SELECT id, type, payload FROM outbox WHERE sequence IS NULL ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED"
)
PUT = text("INSERT INTO outbox (type, payload) VALUES (:type, :payload)")
SENT = text(
    "UPDATE outbox SET store = :store, sequence = sent.sequence "
    "FROM unnest(CAST(:ids AS bigint[]), CAST(:sequences AS bigint[])) AS sent (id, sequence) WHERE outbox.id = sent.id"
)
FORGET = text("DELETE FROM outbox WHERE store = :store AND sequence <= :sequence")
ANY = text("SELECT 1 FROM outbox LIMIT 1")
SEND_AGAIN = text("UPDATE outbox SET store = NULL, sequence = NULL WHERE store <> :store RETURNING id")


class Outbox:
    """Where a service puts its events, and the relay that hands them to the broker."""

    unsent = UNSENT

    def __init__(self, database: Database, broker: Broker, metrics: Metrics) -> None:
        self._database = database
        self._broker = broker
        self._metrics = metrics
        self.wake = asyncio.Event()
        self._store = ""
        self._may_forget = True

    async def put(self, connection: AsyncConnection, event: Event) -> None:
        """Write an event in the caller's transaction. `wake.set()` after the commit, or it leaves with the sweep."""
        await connection.execute(PUT, {"type": event.type, "payload": event.model_dump_json()})

    async def relay(self) -> bool:
        """Publish one batch; return whether there may be more. Raises if the broker is away or full: the rows stay."""
        await self._broker.jetstream()  # no row is locked while there is nobody to send it to
        if not self._store:
            self._store = (await self._broker.progress()).store
        async with self._database.transaction() as connection:
            rows = (await connection.execute(self.unsent, {"batch": BATCH})).all()
            if not rows:
                return False
            sequences = await asyncio.gather(
                *(self._broker.publish(subject_of(row.type), row.payload.encode()) for row in rows)
            )
            ids = [row.id for row in rows]
            await connection.execute(SENT, {"store": self._store, "ids": ids, "sequences": sequences})
            # A crash from here to the commit sends the batch again: inboxes know it by the events' ids.
            failpoint("outbox.published")
        self._may_forget = True
        for row in rows:
            self._metrics.events_published.labels(row.type).inc()
        return len(rows) == BATCH

    async def forget_handled(self) -> bool:
        """Delete the rows whose events all readers have handled; send those again that a broker has lost.

        Always returns False: once now and then is enough. Raises as `relay`.
        """
        if not self._may_forget:
            return False
        progress = await self._broker.progress()
        self._store = progress.store
        if await self._database.write(SEND_AGAIN, {"store": progress.store}):
            self.wake.set()
        await self._database.write(FORGET, {"store": progress.store, "sequence": progress.sequence})
        self._may_forget = bool(await self._database.read(ANY))
        return False
