"""What a monolith tells its extracted modules stays in its outbox until all of them have handled it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator

import nats
import psycopg
import pytest
from nats.js import JetStreamContext

from migration.inside_monolith.outbox import Outbox
from monolith.database import Database
from shared.contract.events import STREAM, Event, subject_of
from shared.domain.ids import new_id
from shared.platform.metrics import Metrics
from tests.journeys.waiting import until
from tests.migration.conftest import BrokerServer

READER = "notifications"


class Relay:
    """A monolith's outbox that runs, and the rows that it has."""

    def __init__(self, url: str, broker: BrokerServer) -> None:
        self._database = Database(url, pool_size=2, metrics=Metrics())
        self._broker = broker
        self.outbox = Outbox(self._database, broker.url, Metrics())
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("TRUNCATE outbox")
        self.outbox.start()

    def close(self) -> None:
        self.outbox.stop()
        self._connection.execute("TRUNCATE outbox")
        self._connection.close()
        self._database.close()

    def tell(self) -> None:
        event = Event(id=new_id(), type="order.confirmed", occurred_at="")
        with self._database.transaction() as connection:
            self.outbox.put(connection, event)
        self.outbox.wake()

    def rows(self, condition: str) -> int:
        row = self._connection.execute(f"SELECT count(*) FROM outbox WHERE {condition}".encode()).fetchone()
        assert row is not None
        return int(row[0])

    def ask(self, act: Callable[[JetStreamContext], Awaitable[int]]) -> int:
        """Do something as another client of the broker."""

        async def asking() -> int:
            async with await nats.connect(self._broker.url) as client:
                return await act(client.jetstream())

        return asyncio.run(asking())

    def subscribes(self) -> None:
        async def subscribe(jetstream: JetStreamContext) -> int:
            await jetstream.pull_subscribe(subject_of("order.confirmed"), durable=READER, stream=STREAM)
            return 0

        until("the stream is there", lambda: self.ask(_streams) > 0)
        self.ask(subscribe)

    def reads(self) -> int:
        """Handle what there is for the reader; return how many events it was."""

        async def read(jetstream: JetStreamContext) -> int:
            messages = await (await jetstream.pull_subscribe_bind(READER, STREAM)).fetch(10, timeout=10)
            for message in messages:
                await message.ack_sync()
            return len(messages)

        return self.ask(read)


async def _streams(jetstream: JetStreamContext) -> int:
    return len(await jetstream.streams_info())


@pytest.fixture
def relay(extraction_database_url: str, broker_server: BrokerServer) -> Iterator[Relay]:
    """The outbox of an extractable monolith."""
    running = Relay(extraction_database_url, broker_server)
    yield running
    running.close()


def test_an_event_stays_until_its_reader_has_handled_it(relay: Relay) -> None:
    relay.subscribes()
    relay.tell()
    until("it is sent", lambda: relay.rows("sequence IS NOT NULL") == 1)

    assert relay.reads() == 1

    until("it is forgotten", lambda: relay.rows("true") == 0)


def test_an_event_that_a_broker_lost_with_its_disk_is_sent_again(relay: Relay, broker_server: BrokerServer) -> None:
    relay.subscribes()
    relay.tell()
    until("it is sent", lambda: relay.rows("sequence IS NOT NULL") == 1)
    broker_server.kill()
    shutil.rmtree(broker_server.folder)
    broker_server.start()

    relay.subscribes()

    assert relay.reads() == 1
    until("it is forgotten", lambda: relay.rows("true") == 0)
