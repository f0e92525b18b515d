"""An event takes effect once at each consumer, however often it is sent, lost, delivered or refused."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any

import nats.js.errors
import pytest
from nats.js.api import StreamConfig
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit import broker as broker_module
from microservices.kit import inbox
from microservices.kit.broker import Broker, make_streams
from microservices.kit.conftest import BrokerServer
from microservices.kit.database import Database
from microservices.kit.inbox import CREATE_INBOX, Consumer
from microservices.kit.loops import repeat, stop
from microservices.kit.outbox import CREATE_OUTBOX, KEEP_OUTBOX, Outbox
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
        self.error: Exception = ConnectionError("for a passing reason")
        self.attempts: Counter[str] = Counter()
        self.consumer = Consumer(
            "tester",
            ["test.happened"],
            Event,
            self.handle,
            database=self.database,
            broker=self.broker,
            metrics=Metrics(),
            after_commit=self.outbox.wake.set,
        )

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        for event in events:
            self.attempts[event.id] += 1
            await connection.execute(text("INSERT INTO kit_effects VALUES (:id)"), {"id": event.id})
            if event.id in self.fail:
                raise self.error

    async def tell(self, count: int) -> list[str]:
        events = [Event(id=new_id(), type="test.happened", occurred_at="") for _ in range(count)]
        async with self.database.transaction() as connection:
            for event in events:
                await self.outbox.put(connection, event)
        self.outbox.wake.set()
        return [event.id for event in events]

    async def effects(self) -> Counter[str]:
        return Counter(str(row.id) for row in await self.database.read(text("SELECT id FROM kit_effects")))

    async def until_effects(self, *ids: str) -> None:
        async def are_there() -> bool:
            return set(ids) <= set(await self.effects())

        await self.until(are_there)

    async def outbox_rows(self, where: str = "true") -> int:
        return len(await self.database.read(text(f"SELECT 1 FROM outbox WHERE {where}")))

    async def until_outbox_is_empty(self) -> None:
        async def is_empty() -> bool:
            return await self.outbox_rows() == 0

        await self.until(is_empty)

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        for _ in range(int(SOON_S / 0.05)):
            if await holds():
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{holds.__name__}: not within {SOON_S} s")

    @contextlib.asynccontextmanager
    async def running(self, *, reads: bool = True) -> AsyncIterator[None]:
        loops = [
            self.broker.run(),
            repeat("outbox", self.outbox.relay, self.outbox.wake, 0.5),
            repeat("handled", self.outbox.forget_handled, asyncio.Event(), 0.2),
        ]
        async with self.doing(*loops, *([self.reading()] if reads else [])):
            yield

    def reading(self) -> Coroutine[Any, Any, None]:
        return repeat("consumer", self.consumer.step, asyncio.Event(), 0.2)

    @contextlib.asynccontextmanager
    async def doing(self, *loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
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
                await stage.database.write(text(f"DROP TABLE IF EXISTS {table} CASCADE"))
            for create in (
                "CREATE TABLE kit_effects (id uuid)",
                CREATE_INBOX,
                CREATE_OUTBOX,
                *KEEP_OUTBOX,
            ):
                await stage.database.write(text(create))
            await scene(stage)
        finally:
            # Whoever comes next migrates this database anew.
            await stage.database.write(text("DROP SCHEMA public CASCADE"))
            await stage.database.write(text("CREATE SCHEMA public"))
            await stage.database.close()

    asyncio.run(run())


def test_what_is_committed_arrives_and_leaves_the_outbox(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            ids = await stage.tell(300)
            await stage.until_effects(*ids)
            await stage.until_outbox_is_empty()

        assert await stage.effects() == Counter(ids)

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


def test_what_cannot_be_decoded_is_set_aside_with_its_reason(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            await stage.broker.publish("shop.test.happened", b"{poison")
            await stage.broker.publish("shop.test.happened", b'{"id": "x", "type": "test", "occurred_at": ""}')
            await stage.until_effects(*await stage.tell(1))
            jetstream = await stage.broker.jetstream()
            broken, ill_typed = [await jetstream.get_msg(DEAD_STREAM, number) for number in (1, 2)]

        assert broken.data == b"{poison"
        assert ill_typed.headers == {"Twinshop-Reason": "id: value_error", "Twinshop-Subject": "shop.test.happened"}

    play(database_url, broker_server, scene)


def test_an_event_that_its_handler_cannot_bear_is_set_aside_after_a_few_tries(
    database_url: str, broker_server: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "FIRST_RETRY_S", 0.02)

    async def scene(stage: Stage) -> None:
        stage.error = ValueError("no such kind")
        async with stage.running():
            ids = await stage.tell(3)
            stage.fail.add(ids[1])
            await stage.until_effects(ids[0], ids[2])
            await stage.until_outbox_is_empty()  # nobody waits for it any more
            letter = await (await stage.broker.jetstream()).get_last_msg(DEAD_STREAM, "dead.tester")

        assert Event.model_validate_json(letter.data or b"").id == ids[1]
        assert (letter.headers or {})["Twinshop-Reason"] == "ValueError: no such kind"
        assert await stage.effects() == Counter([ids[0], ids[2]])

    play(database_url, broker_server, scene)


def test_an_event_that_came_too_early_is_waited_for_without_limit(
    database_url: str, broker_server: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "FIRST_RETRY_S", 0.001)

    async def scene(stage: Stage) -> None:
        async def is_tried_often() -> bool:
            return stage.attempts[early] > 2 * inbox.MAX_TRIES

        stage.error = inbox.NotYet()
        async with stage.running():
            (early,) = await stage.tell(1)
            stage.fail.add(early)
            await stage.until(is_tried_often)
            stage.fail.clear()
            await stage.until_effects(early)

        assert await stage.effects() == Counter([early])

    play(database_url, broker_server, scene)


def test_what_a_database_refuses_is_set_aside_and_its_values_are_not_told(
    database_url: str, broker_server: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "FIRST_RETRY_S", 0.02)

    async def handle(connection: AsyncConnection, events: Sequence[Event]) -> None:
        await connection.execute(text("INSERT INTO kit_effects VALUES (CAST(:id AS uuid))"), {"id": "ada@example"})

    async def scene(stage: Stage) -> None:
        stage.consumer.handle = handle
        async with stage.running():
            await stage.tell(1)
            await stage.until_outbox_is_empty()
            letter = await (await stage.broker.jetstream()).get_last_msg(DEAD_STREAM, "dead.tester")

        assert (letter.headers or {})["Twinshop-Reason"] == "InvalidRequest: A value of the request cannot be stored."

    play(database_url, broker_server, scene)


def test_events_that_a_broker_lost_with_its_disk_are_sent_again(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        async def are_sent() -> bool:
            return await stage.outbox_rows("sequence IS NOT NULL") == 3

        async with stage.running(reads=False):
            jetstream = await stage.broker.jetstream()
            await stage.consumer._subscribe()  # somebody reads, and is away just now
            ids = await stage.tell(3)
            await stage.until(are_sent)
            await jetstream.delete_stream("SHOP")
            async with stage.doing(stage.reading()):
                await stage.until_effects(*ids)
                await stage.until_outbox_is_empty()

        assert await stage.effects() == Counter(ids)

    play(database_url, broker_server, scene)


def test_running_services_get_over_a_broker_that_lost_its_disk(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            before = await stage.tell(2)
            await stage.until_effects(*before)
            broker_server.kill()
            shutil.rmtree(broker_server.folder)
            await asyncio.to_thread(broker_server.start)
            after = await stage.tell(2)
            await stage.until_effects(*after)

        assert await stage.effects() == Counter(before + after)

    play(database_url, broker_server, scene)


def test_a_full_stream_keeps_events_in_the_outbox_until_there_is_room_and_says_so(
    database_url: str, broker_server: BrokerServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(stage: Stage) -> None:
        async with stage.running():
            jetstream = await stage.broker.jetstream()
            config = (await jetstream.stream_info("SHOP")).config
            await jetstream.update_stream(config.evolve(max_bytes=20_000))
            with contextlib.suppress(nats.js.errors.ServiceUnavailableError):
                for _ in range(1000):  # more than it has room for
                    await stage.broker.publish("shop.filler", bytes(10))
                pytest.fail("A full stream takes events.")
            ids = await stage.tell(5)
            await asyncio.sleep(1)
            effects_when_full = await stage.effects()
            await jetstream.purge_stream("SHOP", subject="shop.filler")
            await stage.until_effects(*ids)

        assert not set(effects_when_full) & set(ids)

    play(database_url, broker_server, scene)

    assert "the loop outbox failed (1 in a row)" in caplog.messages


def test_a_stream_that_grows_loses_what_all_have_handled_and_nothing_else(
    database_url: str, broker_server: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "TRIM_ABOVE_BYTES", 1000)

    async def scene(stage: Stage) -> None:
        async with stage.running(reads=False):
            jetstream = await stage.broker.jetstream()
            await stage.consumer._subscribe()
            await stage.broker.publish("shop.filler", bytes(2000))
            waiting = Event(id=new_id(), type="test.happened", occurred_at="")
            await stage.broker.publish(subject_of(waiting.type), waiting.model_dump_json().encode())
            progress = await stage.broker.progress()
            before = (await jetstream.stream_info("SHOP")).state
            async with stage.doing(stage.reading()):
                await stage.until_effects(waiting.id)
            handled = await stage.broker.progress()
            after = (await jetstream.stream_info("SHOP")).state

        assert (progress.sequence, before.messages) == (0, 2)
        assert (handled.sequence, after.messages) == (2, 0)

    play(database_url, broker_server, scene)


def test_events_do_not_wait_for_a_reader_that_may_be_forgotten(database_url: str, broker_server: BrokerServer) -> None:
    async def scene(stage: Stage) -> None:
        stage.consumer.forgotten_after_s = 1.0
        async with stage.running(reads=False):
            await stage.consumer._subscribe()
            await stage.tell(2)  # and nobody reads them
            await stage.until_outbox_is_empty()
            (late,) = await stage.tell(1)
            async with stage.doing(stage.reading()):  # who comes back is taken in again
                await stage.until_effects(late)

    play(database_url, broker_server, scene)


def test_a_stream_without_bounds_gets_them_and_keeps_what_it_holds(
    database_url: str, broker_server: BrokerServer
) -> None:
    async def scene(stage: Stage) -> None:
        client = await nats.connect(broker_server.url)
        jetstream = client.jetstream()
        await jetstream.add_stream(StreamConfig(name="SHOP", subjects=["shop.>"], max_age=7 * 24 * 3600))
        await jetstream.publish("shop.test.happened", b"{}")

        await make_streams(jetstream)
        stream = await jetstream.stream_info("SHOP")
        await client.close()

        assert stream.config.max_bytes == broker_module.MAX_EVENTS_BYTES
        assert not stream.config.max_age
        assert stream.state.messages == 1

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


def test_what_comes_while_a_loop_lingers_is_done_in_the_same_step() -> None:
    wake = asyncio.Event()
    steps = 0

    async def step() -> bool:
        nonlocal steps
        steps += 1
        return False

    async def run() -> None:
        task = asyncio.create_task(repeat("lingering", step, wake, 60, 0.1))
        for _ in range(4):
            await asyncio.sleep(0.01)
            wake.set()
        await asyncio.sleep(0.3)
        await stop(task)

    asyncio.run(run())
    assert steps == 2  # the first is its beginning


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
        task = asyncio.create_task(repeat("stubborn", step, asyncio.Event(), 0.01))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await stop(task)

    asyncio.run(run())
    assert swallowed == 2
