"""An event takes effect once at each consumer, however often it is sent, lost, delivered or refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.broker import Broker
from microservices.kit.conftest import BrokerServer
from microservices.kit.database import Database
from microservices.kit.inbox import CREATE_INBOX, Consumer
from microservices.kit.loops import Wake, repeat, stop
from microservices.kit.outbox import CREATE_OUTBOX, HOLD_OUTBOX, Outbox
from shared.contract.events import DEAD_STREAM, Event, subject_of
from shared.domain.ids import new_id
from shared.platform.metrics import Metrics

SOON_S = 20.0


class Stage:
    """A producer with an outbox and a consumer with an inbox; `effects` counts what the handler has done."""

    def __init__(self, database_url: str, broker_url: str) -> None:
        self.database = Database(database_url, 6, Metrics(), "test")
        self.broker = Broker(broker_url, "test")
        self.outbox = Outbox(self.database, self.broker, Metrics())
        self.fail: set[str] = set()
        self.attempts: Counter[str] = Counter()
        self.consumer = Consumer(
            "tester",
            ["test.happened"],
            Event,
            self.handle,
            database=self.database,
            broker=self.broker,
            metrics=Metrics(),
            after_commit=self.outbox.wake,
        )

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        for event in events:
            self.attempts[event.id] += 1
            await connection.execute(text("INSERT INTO kit_effects VALUES (:id)"), {"id": event.id})
            if event.id in self.fail:
                raise ConnectionError("for a passing reason")

    async def tell(self, count: int) -> list[str]:
        events = [Event(id=new_id(), type="test.happened", occurred_at="") for _ in range(count)]
        async with self.database.transaction() as connection:
            await self.outbox.put(connection, *events)
        self.outbox.wake()
        return [event.id for event in events]

    async def effects(self) -> Counter[str]:
        return Counter(str(row.id) for row in await self.database.read(text("SELECT id FROM kit_effects")))

    async def until_effects(self, *ids: str) -> None:
        for _ in range(int(SOON_S / 0.05)):
            if set(ids) <= set(await self.effects()):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError("the effects did not come")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        loops = [
            self.broker.run(),
            repeat("outbox", self.outbox.relay, self.outbox.wake, 0.5),
            repeat("consumer", self.consumer.step, Wake(), 0.2),
        ]
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            await stop(*tasks)


def play(database_url: str, broker: BrokerServer, scene: Callable[[Stage], Awaitable[None]]) -> None:
    async def run() -> None:
        stage = Stage(database_url, broker.url)
        tables = ("kit_effects", "inbox", "outbox")
        try:
            for table in tables:
                await stage.database.commit_one(text(f"DROP TABLE IF EXISTS {table} CASCADE"))
            for create in ("CREATE TABLE kit_effects (id uuid)", CREATE_INBOX, CREATE_OUTBOX, HOLD_OUTBOX):
                await stage.database.commit_one(text(create))
            await scene(stage)
        finally:
            # Whoever comes next migrates this database anew.
            await stage.database.commit_one(text("DROP SCHEMA public CASCADE"))
            await stage.database.commit_one(text("CREATE SCHEMA public"))
            await stage.database.close()

    asyncio.run(run())


def test_what_is_committed_arrives_and_leaves_the_outbox(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            ids = await stage.tell(300)
            await stage.until_effects(*ids)

        assert await stage.effects() == Counter(ids)
        assert await stage.database.read(text("SELECT 1 FROM outbox")) == []

    play(database_url, broker_server, scene)


def test_a_row_that_commits_late_with_an_early_number_is_not_missed(
    database_url: str, broker_server: BrokerServer
) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running(), stage.database.transaction() as connection:
            early = Event(id=new_id(), type="test.happened", occurred_at="")
            await stage.outbox.put(connection, early)
            late = await stage.tell(1)
            await stage.until_effects(*late)
            await connection.commit()
            await stage.until_effects(early.id)

    play(database_url, broker_server, scene)


def test_an_event_that_is_delivered_again_changes_nothing(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            event = Event(id=new_id(), type="test.happened", occurred_at="")
            for _ in range(5):
                await stage.broker.publish(subject_of(event.type), event.model_dump_json().encode())
            last = await stage.tell(1)
            await stage.until_effects(event.id, *last)

        assert await stage.effects() == Counter([event.id, *last])

    play(database_url, broker_server, scene)


def test_what_fails_for_a_passing_reason_comes_again_and_holds_up_nobody(
    database_url: str, broker_server: BrokerServer
) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            ids = await stage.tell(5)
            stage.fail.add(ids[2])
            await stage.until_effects(*(set(ids) - {ids[2]}))
            assert ids[2] not in await stage.effects()  # a failed handler has changed nothing

            stage.fail.clear()
            await stage.until_effects(ids[2])
        assert await stage.effects() == Counter(ids)

    play(database_url, broker_server, scene)


def test_only_what_cannot_be_decoded_goes_to_the_dead(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            await stage.broker.publish("shop.test.happened", b"{poison")
            await stage.until_effects(*await stage.tell(1))
            jetstream = await stage.broker.jetstream()
            dead = await jetstream.get_last_msg(DEAD_STREAM, "dead.tester")

        assert dead.data == b"{poison"

    play(database_url, broker_server, scene)


def test_a_broker_that_is_away_delays_events_and_loses_none(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            before = await stage.tell(3)
            await stage.until_effects(*before)
            broker_server.kill()
            meanwhile = await stage.tell(3)
            await asyncio.sleep(1)
            assert await stage.effects() == Counter(before)

            await asyncio.to_thread(broker_server.start)
            await stage.until_effects(*meanwhile)
        assert await stage.effects() == Counter(before + meanwhile)

    play(database_url, broker_server, scene)


def test_an_app_that_starts_before_its_broker_catches_up(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        broker_server.kill()
        async with stage.running():
            ids = await stage.tell(2)
            await asyncio.sleep(1)
            await asyncio.to_thread(broker_server.start)
            await stage.until_effects(*ids)

    play(database_url, broker_server, scene)


def test_a_loop_ends_even_if_something_in_it_swallows_the_cancellation() -> None:
    swallowed = 0

    async def step() -> bool:
        nonlocal swallowed
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            swallowed += 1
            if swallowed == 1:
                raise ConnectionError("as nats-py does when its connection closes") from None
            raise
        return True

    async def run() -> None:
        task = asyncio.create_task(repeat("stubborn", step, Wake(), 0.01))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await stop(task)

    asyncio.run(run())
    assert swallowed == 2
