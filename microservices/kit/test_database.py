"""What went wrong is told truthfully: nothing happened, or nobody knows."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from microservices.kit.database import Database
from shared.domain.errors import InvalidRequest, OutcomeUnknown, Unavailable
from shared.platform.metrics import Metrics
from tests.stalled import StallingProxy, stalling_proxy

NOTES = "CREATE TABLE IF NOT EXISTS kit_notes (id int PRIMARY KEY)"
ADD = text("INSERT INTO kit_notes VALUES (:id) RETURNING id")
KILL_THE_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'victim' AND pid <> pg_backend_pid()"
)


def play(url: str, scene: Callable[[Database, Database], Awaitable[None]]) -> None:
    """Run `scene(victim, other)` on two pools of one database with an empty table `kit_notes`."""

    async def run() -> None:
        victim, other = (Database(url, 2, Metrics(), name) for name in ("victim", "other"))
        try:
            await other.write(text(NOTES))
            await other.write(text("TRUNCATE kit_notes"))
            await scene(victim, other)
        finally:
            await other.write(text("DROP TABLE kit_notes"))
            await victim.close()
            await other.close()

    asyncio.run(run())


async def count(database: Database) -> int:
    return int((await database.read(text("SELECT count(*) FROM kit_notes")))[0][0])


def test_an_error_does_not_say_the_parameters(database_url: str) -> None:
    async def scene(victim: Database, _: Database) -> None:
        with pytest.raises(ProgrammingError) as caught:
            await victim.read(text("SELECT address FROM kit_notes WHERE :address = ''"), {"address": "ada@example"})

        assert "ada@example" not in str(caught.value)

    play(database_url, scene)


def test_a_transaction_is_all_or_nothing(database_url: str) -> None:
    async def scene(victim: Database, other: Database) -> None:
        async def add_twice() -> None:
            async with victim.transaction() as connection:
                await connection.execute(ADD, {"id": 1})
                await connection.execute(ADD, {"id": 1})

        with pytest.raises(IntegrityError):
            await add_twice()
        assert await count(other) == 0

        async with victim.transaction() as connection:
            await connection.execute(ADD, {"id": 1})
            await connection.execute(ADD, {"id": 2})
        assert await count(other) == 2

    play(database_url, scene)


def test_a_single_statement_commits_and_returns_its_rows(database_url: str) -> None:
    async def scene(victim: Database, other: Database) -> None:
        assert (await victim.write(ADD, {"id": 7}))[0].id == 7
        assert await count(other) == 1

    play(database_url, scene)


def test_a_statement_that_is_refused_for_want_of_room_has_done_nothing(database_url: str) -> None:
    full = text("DO $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$")

    async def scene(victim: Database, other: Database) -> None:
        with pytest.raises(Unavailable):
            await victim.write(full)
        assert await count(victim) == 0

    play(database_url, scene)


def test_a_read_only_database_is_unavailable_until_it_takes_writes(database_url: str) -> None:
    standby = text("DO $$ BEGIN RAISE EXCEPTION 'a standby' USING ERRCODE = '25006'; END $$")

    async def scene(victim: Database, other: Database) -> None:
        async def add(*, continues: bool) -> None:
            async with victim.transaction(continues=continues) as connection:
                await connection.execute(text("SET TRANSACTION READ ONLY"))
                await connection.execute(ADD, {"id": 1})

        with pytest.raises(Unavailable):
            await add(continues=False)
        with pytest.raises(OutcomeUnknown):
            await add(continues=True)
        with pytest.raises(Unavailable):
            await victim.write(standby)
        with pytest.raises(OutcomeUnknown):
            await victim.write(standby, continues=True)
        assert await count(other) == 0
        assert (await victim.write(ADD, {"id": 7}))[0].id == 7

    play(database_url, scene)


@pytest.mark.parametrize("value", ["with NUL \x00", "lone surrogate \ud800", 7])
def test_what_cannot_be_stored_is_the_callers_fault(database_url: str, value: Any) -> None:
    async def scene(victim: Database, _: Database) -> None:
        statement = text("SELECT 1 WHERE CAST(:value AS text) = ''")
        for call in (victim.read, victim.write):
            with pytest.raises(InvalidRequest):
                await call(statement, {"value": value})
        assert await count(victim) == 0

    play(database_url, scene)


def test_a_wrong_statement_is_ours(database_url: str) -> None:
    async def scene(victim: Database, _: Database) -> None:
        with pytest.raises(ProgrammingError):
            await victim.read(text("SELECT 1 FROM nowhere"))

    play(database_url, scene)


def test_a_server_that_goes_away_before_the_commit_has_done_nothing(database_url: str) -> None:
    async def scene(victim: Database, other: Database) -> None:
        async def lose_the_server() -> None:
            async with victim.transaction() as connection:
                await connection.execute(ADD, {"id": 1})
                await other.read(KILL_THE_OTHERS)
                await connection.execute(ADD, {"id": 2})

        with pytest.raises(Unavailable):
            await lose_the_server()
        assert await count(other) == 0
        assert await count(victim) == 0  # and the pool is well again

    play(database_url, scene)


def test_a_server_that_goes_away_at_the_commit_leaves_the_outcome_unknown(database_url: str) -> None:
    async def scene(victim: Database, other: Database) -> None:
        async def lose_the_server() -> None:
            async with victim.transaction() as connection:
                await connection.execute(ADD, {"id": 1})
                await other.read(KILL_THE_OTHERS)

        with pytest.raises(OutcomeUnknown):
            await lose_the_server()
        assert await count(victim) == 0

    play(database_url, scene)


def test_a_single_statement_that_is_cut_off_leaves_the_outcome_unknown(database_url: str) -> None:
    async def scene(victim: Database, other: Database) -> None:
        slow = text("INSERT INTO kit_notes SELECT 1 FROM pg_sleep(2)")
        attempt = asyncio.create_task(victim.write(slow))
        await asyncio.sleep(0.5)
        await other.read(KILL_THE_OTHERS)

        with pytest.raises(OutcomeUnknown):
            await attempt

    play(database_url, scene)


def test_whoever_is_frozen_in_a_transaction_loses_it_and_others_get_on(database_url: str) -> None:
    take = text("UPDATE kit_notes SET id = id WHERE id = 1")

    async def scene(victim: Database, other: Database) -> None:
        async def freeze(*, goes_on: bool) -> None:
            async with victim.transaction() as connection:
                await connection.execute(take)
                await connection.execute(ADD, {"id": 2})
                began = time.monotonic()
                await asyncio.gather(other.write(take), other.write(take))
                assert time.monotonic() - began < 3.0
                if goes_on:
                    await connection.execute(take)

        await other.write(ADD, {"id": 1})
        with pytest.raises(Unavailable):
            await freeze(goes_on=True)
        with pytest.raises(OutcomeUnknown):
            await freeze(goes_on=False)  # only the commit is missing
        assert await count(victim) == 1

    play(database_url, scene)


def test_a_network_that_swallows_packets_holds_no_connection_for_long(database_url: str) -> None:
    async def scene(proxy: StallingProxy, through: str) -> None:
        database = Database(through, 2, Metrics(), "cut off")
        await database.read(text("SELECT 1"))
        proxy.stalled.set()
        began = time.monotonic()

        with pytest.raises(Unavailable):
            await database.read(text("SELECT 1"))

        assert time.monotonic() - began < 10.0
        pool: Any = database.engine.pool
        assert pool.checkedout() == 0
        await database.close()

    url = make_url(database_url)
    with stalling_proxy(url.host or "", url.port or 5432) as proxy:
        through = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        asyncio.run(scene(proxy, through))


def test_a_statement_that_takes_too_long_counts_as_away(database_url: str) -> None:
    async def scene(victim: Database, _: Database) -> None:
        with pytest.raises(Unavailable):
            await victim.read(text("SELECT pg_sleep(30)"))
        assert await count(victim) == 0

    play(database_url, scene)


def test_connections_that_the_server_closed_are_not_used_again(database_url: str) -> None:
    async def scene(victim: Database, other: Database) -> None:
        await asyncio.gather(count(victim), count(victim))
        await other.read(KILL_THE_OTHERS)
        await asyncio.sleep(0.1)

        assert await asyncio.gather(*(count(victim) for _ in range(4))) == [0, 0, 0, 0]

    play(database_url, scene)


def test_a_server_that_is_not_there_is_unavailable_for_reads_and_writes() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        database = Database(f"postgresql://a:b@127.0.0.1:{port}/c", 1, Metrics(), "nowhere")
        calls: list[Awaitable[Any]] = [database.read(text("SELECT 1")), database.write(text("SELECT 1"))]
        for call in calls:
            with pytest.raises(Unavailable):
                await call
        assert not await database.is_ready()
        await database.close()

    asyncio.run(run())
