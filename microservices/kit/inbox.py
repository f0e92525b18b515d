"""The inbox: each event takes effect once, however often it is delivered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.broker import Broker, make_streams
from microservices.kit.database import Database
from microservices.kit.loops import back_off_s
from shared.contract.events import DEAD_SUBJECT_PREFIX, REASON_HEADER, STREAM, SUBJECT_HEADER, Event, subject_of
from shared.domain.errors import OutcomeUnknown, Unavailable
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

INDEX_INBOX = ("inbox_by_age", "inbox (received_at)")
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
MAX_TRIES = 5  # of an event whose own data makes its handler fail; what is away is waited for without limit
MAX_REASON = 300  # characters: a driver's error carries the statement and its parameters
_WITHOUT_LIMIT = -1

# Fresh ids come back; an id that another delivery wrote is left out. That other delivery is waited for.
_REMEMBER = text(
    "INSERT INTO inbox (event_id, consumer) SELECT unnest(CAST(:ids AS uuid[])), :consumer "
    "ON CONFLICT DO NOTHING RETURNING event_id"
)


class NotYet(Exception):
    """A handler raises it for an event that came too early, or met somebody else at work: it comes again for ever."""


@dataclass
class Consumer:
    """A durable pull consumer that hands events to `handle`, in one transaction with the memory of their ids."""

    name: str
    event_types: Sequence[str]
    event_class: type[Event]
    handle: Handler
    database: Database
    broker: Broker
    metrics: Metrics
    after_commit: Callable[[], None]
    forgotten_after_s: float | None = None  # away for longer, events wait for it no more; None: for as long as it takes
    _pull: JetStreamContext.PullSubscription | None = None
    _known_errors: set[type[Exception]] = field(default_factory=set)

    async def step(self) -> bool:
        """Wait for events, handle what has come. Always returns True: the wait is in here."""
        if self._pull is None:
            self._pull = await self._subscribe()
        try:
            messages = await self._pull.fetch(BATCH, timeout=FETCH_S)
        except (nats.errors.TimeoutError, TimeoutError):
            if not await self._exists():
                self._pull = None  # the broker has lost its store: make stream and consumer again
            return True
        except Exception:
            self._pull = None  # the consumer or the whole stream may be gone: make it again
            raise
        await self._receive(messages)
        return True

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
        jetstream = await self.broker.jetstream()
        config = ConsumerConfig(
            durable_name=self.name,
            filter_subjects=[subject_of(event_type) for event_type in self.event_types],
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_deliver=_WITHOUT_LIMIT,
            inactive_threshold=self.forgotten_after_s,
        )
        await make_streams(jetstream)
        await jetstream.add_consumer(STREAM, config)
        return await jetstream.pull_subscribe_bind(self.name, STREAM)

    async def _exists(self) -> bool:
        try:
            await (await self.broker.jetstream()).consumer_info(STREAM, self.name)
        except NotFoundError:
            return False
        return True

    async def _receive(self, messages: Sequence[Msg]) -> None:
        decoded = [(message, event) for message in messages if (event := await self._decode(message))]
        if decoded:
            await self._take(decoded)

    async def _take(self, decoded: Sequence[tuple[Msg, Event]]) -> None:
        try:
            await self.apply([event for _, event in decoded])
        except Exception as error:
            if len(decoded) == 1:
                await self._failed(*decoded[0], error)
                return
            # One of them may be what fails: the others must not wait for it.
            for one in decoded:
                await self._take([one])
            return
        await asyncio.gather(*(message.ack() for message, _ in decoded))

    async def apply(self, events: Sequence[Event]) -> None:
        """Handle events in one transaction with the memory of their ids. Raises what `handle` raises."""
        tracing.begin(events[0].trace_id if len(events) == 1 else None)
        async with self.database.transaction() as connection:
            ids = [event.id for event in events]
            rows = await connection.execute(_REMEMBER, {"ids": ids, "consumer": self.name})
            fresh = {str(row.event_id) for row in rows}
            # By id: a relay that was killed publishes again, and both copies may come in one batch.
            new_events = list({event.id: event for event in events if event.id in fresh}.values())
            if new_events:
                await self.handle(connection, new_events)
        failpoint("inbox.applied")
        for event in events:
            outcome = "applied" if event.id in fresh else "duplicate"
            self.metrics.events_consumed.labels(event.type, outcome).inc()
        if new_events:
            self.after_commit()

    async def _decode(self, message: Msg) -> Event | None:
        try:
            return self.event_class.model_validate_json(message.data)
        except ValidationError as error:
            await self._set_aside(message, message.subject, error)  # it will never be readable
            return None

    async def _failed(self, message: Msg, event: Event, error: Exception) -> None:
        """Ask for the event again, later; set it aside if it is the event itself that its handler cannot bear."""
        passes = isinstance(error, NotYet | Unavailable | OutcomeUnknown)
        delay_s = back_off_s(message.metadata.num_delivered, FIRST_RETRY_S)
        self.metrics.events_consumed.labels(event.type, "failed").inc()
        # A thousand events may fail for one reason: where is told of the first of its kind, and never of a database's
        # error, which carries what it was given.
        is_new = not passes and not isinstance(error, DBAPIError) and type(error) not in self._known_errors
        self._known_errors.add(type(error))
        what = f"{self.name}: {event.type} {event.id}"
        log.warning("%s again in %.1f s: %s", what, delay_s, reason_of(error), exc_info=error if is_new else None)
        if passes or message.metadata.num_delivered < MAX_TRIES:
            await message.nak(delay=delay_s)
        else:
            await self._set_aside(message, event.type, error)

    async def _set_aside(self, message: Msg, event_type: str, error: Exception) -> None:
        """Put a message where somebody can look at it and send it again, and let the others pass."""
        reason = reason_of(error)
        log.error("%s: a message on %s is set aside: %s", self.name, message.subject, reason)
        headers = {REASON_HEADER: reason, SUBJECT_HEADER: message.subject}
        await self.broker.publish(DEAD_SUBJECT_PREFIX + self.name, message.data, headers)
        self.metrics.events_consumed.labels(event_type, "dead").inc()
        await message.ack()


def reason_of(error: Exception) -> str:
    """Return one line that says what went wrong, without the data of anybody."""
    if isinstance(error, ValidationError):
        fields = (f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['type']}" for one in error.errors())
        return "; ".join(fields)[:MAX_REASON]
    if isinstance(error, DBAPIError):
        return f"{type(error).__name__}, SQLSTATE {getattr(error.orig, 'sqlstate', None)}"
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:MAX_REASON]
