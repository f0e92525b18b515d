"""What services tell an extractable monolith: handled once, waited for, or set aside where an operator finds it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import nats
import pytest
from sqlalchemy import Connection

from microservices.kit.broker import make_streams
from microservices.kit.inbox import MAX_TRIES, NotYet
from migration.inside_monolith.gate import Gate
from migration.inside_monolith.inbox import Inbox
from monolith.database import Database
from shared.contract.events import DEAD_STREAM, REASON_HEADER, Event, subject_of
from shared.domain.ids import new_id
from shared.platform.metrics import Metrics
from tests.journeys.waiting import until
from tests.migration.conftest import BrokerServer

KIND = "payment.captured"


class OpenGate:
    """Nothing is moved meanwhile."""

    def operation(self) -> Any:
        return nullcontext()


@pytest.fixture
def listening(extraction_database_url: str, broker_server: BrokerServer) -> Callable[..., Any]:
    """Runs an inbox with a handler in a block; the block gets the ids of two events that were sent to it."""

    @contextmanager
    def running(handle: Callable[[Event], None]) -> Iterator[list[str]]:
        def handles(_: Connection, events: Sequence[Event]) -> None:
            for event in events:
                handle(event)

        database = Database(extraction_database_url, pool_size=2, metrics=Metrics())
        events = [Event(id=new_id(), type=KIND, occurred_at="") for _ in "12"]
        asyncio.run(_send(broker_server.url, events))
        inbox = Inbox(
            "orders", (KIND,), Event, handles, database=database, nats_url=broker_server.url,
            gate=cast(Gate, OpenGate()), is_needed=lambda: True, after_commit=lambda: None,
        )  # fmt: skip
        inbox.start()
        try:
            yield [event.id for event in events]
        finally:
            inbox.stop()
            database.close()

    return running


async def _send(url: str, events: Sequence[Event]) -> None:
    async with await nats.connect(url) as client:
        await make_streams(client.jetstream())
        for event in events:
            await client.jetstream().publish(subject_of(event.type), event.model_dump_json().encode())


async def _dead(url: str) -> list[tuple[str, str]]:
    """Return the reason and the event's id of each message that was set aside."""
    async with await nats.connect(url) as client:
        count = (await client.jetstream().stream_info(DEAD_STREAM)).state.messages
        letters = [await client.jetstream().get_msg(DEAD_STREAM, number + 1) for number in range(count)]
    return [((one.headers or {})[REASON_HEADER], Event.model_validate_json(one.data or b"").id) for one in letters]


def test_an_event_that_its_handler_cannot_bear_is_set_aside_after_a_few_tries(
    listening: Callable[..., Any], broker_server: BrokerServer
) -> None:
    tries: Counter[str] = Counter()

    def handle(event: Event) -> None:
        tries[event.id] += 1
        if event.id == next(iter(tries)):  # the first that came
            raise ValueError("no such order")

    with listening(handle) as (poison, good):
        letters = until("one is set aside", lambda: asyncio.run(_dead(broker_server.url)), within_s=60)
        until("the other is handled", lambda: tries[good])

    assert letters == [("ValueError: no such order", poison)]
    assert tries[poison] <= MAX_TRIES


def test_an_event_that_came_too_early_is_waited_for_without_limit(
    listening: Callable[..., Any], broker_server: BrokerServer
) -> None:
    tries: Counter[str] = Counter()

    def handle(event: Event) -> None:
        tries[event.id] += 1
        raise NotYet("the order is still being placed")

    with listening(handle) as (early, _):
        until("it came more often than others may", lambda: tries[early] > 2 * MAX_TRIES, within_s=60)

        assert asyncio.run(_dead(broker_server.url)) == []
