"""The inbox: each event takes effect once, however often it is delivered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.broker import Broker
from microservices.kit.database import Database
from microservices.kit.loops import back_off_s
from shared.contract.events import DEAD_SUBJECT_PREFIX, STREAM, Event, subject_of
from shared.platform import tracing
from shared.platform.failpoints import failpoint
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

Handler = Callable[[AsyncConnection, Sequence[Any]], Awaitable[None]]

CREATE_INBOX = """
CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    consumer text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
)"""

INDEX_INBOX = "CREATE INDEX inbox_by_age ON inbox (received_at)"
PRUNE_INBOX = text("""
    DELETE FROM inbox WHERE event_id IN (
        SELECT event_id FROM inbox WHERE received_at < now() - make_interval(hours => :inbox_kept_h)
        ORDER BY received_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ) RETURNING event_id
""")

BATCH = 100
FETCH_S = 5.0  # a fetch that the broker forgot (it was restarted) costs at most this long
ACK_WAIT_S = 10  # after a crash, this long until the events in hand come again
FIRST_RETRY_S = 0.5
_WITHOUT_LIMIT = -1

# Fresh ids come back; an id that another delivery wrote is left out. That other delivery is waited for.
_REMEMBER = text(
    "INSERT INTO inbox (event_id, consumer) SELECT unnest(CAST(:ids AS uuid[])), :consumer "
    "ON CONFLICT DO NOTHING RETURNING event_id"
)


class Consumer:
    """A durable pull consumer that hands events to `handle`, in one transaction with the memory of their ids."""

    def __init__(
        self,
        name: str,
        event_types: Sequence[str],
        event_class: type[Event],
        handle: Handler,
        *,
        database: Database,
        broker: Broker,
        metrics: Metrics,
        after_commit: Callable[[], None],
    ) -> None:
        self.name = name
        self._event_types = event_types
        self._event_class = event_class
        self._handle = handle
        self._database = database
        self._broker = broker
        self._metrics = metrics
        self._after_commit = after_commit
        self._pull: JetStreamContext.PullSubscription | None = None

    async def step(self) -> bool:
        """Wait for events, handle what has come. Always returns True: the wait is in here."""
        if self._pull is None:
            self._pull = await self._subscribe()
        try:
            messages = await self._pull.fetch(BATCH, timeout=FETCH_S)
        except (nats.errors.TimeoutError, TimeoutError):
            return True
        except Exception:
            self._pull = None  # the consumer or the whole stream may be gone: make it again
            raise
        await self._receive(messages)
        return True

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
        jetstream = await self._broker.jetstream()
        config = ConsumerConfig(
            durable_name=self.name,
            filter_subjects=[subject_of(event_type) for event_type in self._event_types],
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_deliver=_WITHOUT_LIMIT,
        )
        await jetstream.add_consumer(STREAM, config)
        return await jetstream.pull_subscribe_bind(self.name, STREAM)

    async def _receive(self, messages: Sequence[Msg]) -> None:
        decoded = [(message, event) for message in messages if (event := await self._decode(message))]
        if not decoded:
            return
        try:
            await self.apply([event for _, event in decoded])
        except Exception as error:
            if len(decoded) == 1:
                await self._again(*decoded[0], error)
                return
            # One of them may be what fails: the others must not wait for it.
            for message, event in decoded:
                try:
                    await self.apply([event])
                except Exception as its_error:
                    await self._again(message, event, its_error)
                else:
                    await message.ack()
            return
        await asyncio.gather(*(message.ack() for message, _ in decoded))

    async def apply(self, events: Sequence[Event]) -> None:
        """Handle events in one transaction with the memory of their ids. Raises what `handle` raises."""
        tracing.begin(events[0].trace_id if len(events) == 1 else None)
        async with self._database.transaction() as connection:
            ids = [event.id for event in events]
            rows = await connection.execute(_REMEMBER, {"ids": ids, "consumer": self.name})
            fresh = {str(row.event_id) for row in rows}
            # By id: a relay that was killed publishes again, and both copies may come in one batch.
            new_events = list({event.id: event for event in events if event.id in fresh}.values())
            if new_events:
                await self._handle(connection, new_events)
        failpoint("inbox.applied")
        for event in events:
            outcome = "applied" if event.id in fresh else "duplicate"
            self._metrics.events_consumed.labels(event.type, outcome).inc()
        if new_events:
            self._after_commit()

    async def _decode(self, message: Msg) -> Event | None:
        try:
            return self._event_class.model_validate_json(message.data)
        except ValidationError as error:
            # It will never be readable: put it where somebody can look at it, and let the others pass.
            log.error("%s: undecodable event on %s: %s", self.name, message.subject, error)
            await self._broker.publish(DEAD_SUBJECT_PREFIX + self.name, message.data)
            self._metrics.events_consumed.labels(message.subject, "dead").inc()
            await message.ack()
            return None

    async def _again(self, message: Msg, event: Event, error: Exception) -> None:
        """Ask for the event again, later; without limit, because the reason is expected to pass."""
        delay_s = back_off_s(message.metadata.num_delivered, FIRST_RETRY_S)
        log.warning("%s: %s %s again in %.1f s", self.name, event.type, event.id, delay_s, exc_info=error)
        self._metrics.events_consumed.labels(event.type, "failed").inc()
        await message.nak(delay=delay_s)
