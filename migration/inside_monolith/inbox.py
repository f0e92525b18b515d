"""Events that services tell the monolith: each takes effect once, in one transaction with the memory of its id."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, text

from microservices.kit.inbox import MAX_TRIES, NotYet, reason_of
from migration.inside_monolith.gate import Gate
from monolith.database import Database
from shared.contract.events import DEAD_SUBJECT_PREFIX, REASON_HEADER, STREAM, SUBJECT_HEADER, Event, subject_of
from shared.domain.errors import OutcomeUnknown, Unavailable
from shared.platform.broker import PING_EVERY_S, PINGS_UNANSWERED
from shared.platform.failpoints import failpoint

log = logging.getLogger(__name__)

BATCH = 100
FETCH_S = 1.0
ACK_WAIT_S = 10
AGAIN_AFTER_S = 0.5
LOOK_EVERY_S = 0.5
STOP_WITHIN_S = 3.0
_WITHOUT_LIMIT = -1

_REMEMBER = text(
    "INSERT INTO inbox (event_id) SELECT unnest(CAST(:ids AS uuid[])) ON CONFLICT DO NOTHING RETURNING event_id::text"
)
_PRUNE = text("""
    DELETE FROM inbox WHERE event_id IN (
        SELECT event_id FROM inbox WHERE received_at < now() - make_interval(hours => :kept_h)
        ORDER BY received_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ) RETURNING event_id
""")

Handle = Callable[[Connection, Sequence[Any]], None]


class Inbox:
    """A thread with a durable consumer; it has the name of the service whose work we do, and is its when we leave.

    It listens only while `is_needed` says so: while the sender is out, and we are not.
    """

    def __init__(
        self,
        name: str,
        event_types: Sequence[str],
        event_class: type[Event],
        handle: Handle,
        *,
        database: Database,
        nats_url: str,
        gate: Gate,
        is_needed: Callable[[], bool],
        after_commit: Callable[[], None],
    ) -> None:
        self._name, self._types, self._class, self._handle = name, event_types, event_class, handle
        self._database, self._url, self._gate, self._is_needed = database, nats_url, gate, is_needed
        self._after_commit = after_commit
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the batch at hand finish."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._is_needed():
                self._stopping.wait(LOOK_EVERY_S)
                continue
            try:
                asyncio.run(self._consume())
            except Exception:  # whatever it was: nothing is acknowledged, and it comes again
                log.warning("the inbox has to begin again", exc_info=True)
                self._stopping.wait(LOOK_EVERY_S)

    async def _consume(self) -> None:
        import nats  # noqa: PLC0415  (only a monolith that has lost a module speaks to a broker)
        from nats.js.api import AckPolicy, ConsumerConfig  # noqa: PLC0415

        client = await nats.connect(
            self._url,
            name="monolith inbox",
            inbox_prefix=f"_INBOX.{self._name}",
            connect_timeout=1,
            allow_reconnect=False,
            ping_interval=PING_EVERY_S,
            max_outstanding_pings=PINGS_UNANSWERED,
        )
        try:
            jetstream = client.jetstream()
            config = ConsumerConfig(
                durable_name=self._name,
                filter_subjects=[subject_of(event_type) for event_type in self._types],
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT_S,
                max_deliver=_WITHOUT_LIMIT,
            )
            await jetstream.add_consumer(STREAM, config)
            pull = await jetstream.pull_subscribe_bind(self._name, STREAM)
            while not self._stopping.is_set() and self._is_needed():
                try:
                    messages = await pull.fetch(BATCH, timeout=FETCH_S)
                except (nats.errors.TimeoutError, TimeoutError):
                    continue
                for message in messages:
                    await self._receive(jetstream, message)
        finally:
            await client.close()

    async def _receive(self, jetstream: Any, message: Any) -> None:
        try:
            event = self._class.model_validate_json(message.data)
        except ValidationError as error:
            await self._set_aside(jetstream, message, error)
            return
        try:
            applied = await asyncio.to_thread(self._apply, event)
        except Exception as error:
            log.warning("%s again later: %s", event.type, reason_of(error))
            passes = isinstance(error, NotYet | Unavailable | OutcomeUnknown)
            if passes or message.metadata.num_delivered < MAX_TRIES:
                await message.nak(delay=AGAIN_AFTER_S)
            else:
                await self._set_aside(jetstream, message, error)
            return
        if applied:
            await message.ack()
        else:
            await message.nak()  # whoever has our work now gets it

    async def _set_aside(self, jetstream: Any, message: Any, error: Exception) -> None:
        """Put an event that nobody can read, or bear, where an operator finds it, and let the others pass."""
        reason = reason_of(error)
        log.error("a message on %s is set aside: %s", message.subject, reason)
        headers = {REASON_HEADER: reason, SUBJECT_HEADER: message.subject}
        await jetstream.publish(DEAD_SUBJECT_PREFIX + self._name, message.data, headers=headers)
        await message.ack()

    def _apply(self, event: Event) -> bool:
        """Handle one event, unless it was handled before; False if it is not ours any more."""
        with self._gate.operation():
            if not self._is_needed():
                return False
            with self._database.transaction() as connection:
                if connection.execute(_REMEMBER, {"ids": [event.id]}).first() is not None:
                    self._handle(connection, [event])
            failpoint("inbox.applied")
        self._after_commit()
        return True


def prune_inbox(kept_h: int, connection: Connection, batch: int) -> int:
    """Forget events that were handled `kept_h` hours ago or earlier, at most `batch`; return how many they were."""
    return len(connection.execute(_PRUNE, {"kept_h": kept_h, "batch": batch}).all())
