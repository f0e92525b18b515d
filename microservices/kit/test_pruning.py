"""What is too old to be asked for is forgotten, a batch at a time, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from microservices.kit import pruning
from microservices.kit.database import Database
from microservices.kit.idempotency import CREATE_KEYS, INDEX_KEYS, PRUNE_KEYS
from microservices.kit.inbox import CREATE_INBOX, INDEX_INBOX, PRUNE_INBOX
from microservices.kit.pruning import Pruner
from microservices.kit.settings import ServiceSettings
from shared.platform.metrics import Metrics
from shared.platform.pruning import LOCK

KEY = text(
    "INSERT INTO idempotency_keys (subject, key, fingerprint, status, created_at) "
    "VALUES ('root', :key, '', :status, now() - make_interval(hours => :age_h))"
)
EVENT = text(
    "INSERT INTO inbox (event_id, consumer, received_at) "
    "VALUES (gen_random_uuid(), :name, now() - make_interval(hours => :age_h))"
)
Scene = Callable[[Database, Pruner], Awaitable[None]]


def play(database_url: str, scene: Scene) -> None:
    async def run() -> None:
        database = Database(database_url, 3, Metrics(), "test")
        try:
            for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
                await database.write(text(statement))
            indexes = (f"CREATE INDEX {name} ON {columns}" for name, columns in (INDEX_KEYS, INDEX_INBOX))
            for statement in (CREATE_KEYS, CREATE_INBOX, *indexes):
                await database.write(text(statement))
            settings = ServiceSettings(twinshop_mode="local", database_url=database_url)
            pruner = Pruner(database, settings)
            pruner.statements += [PRUNE_KEYS, PRUNE_INBOX]
            await scene(database, pruner)
        finally:
            # Whoever comes next migrates this database anew.
            await database.write(text("DROP SCHEMA public CASCADE"))
            await database.write(text("CREATE SCHEMA public"))
            await database.close()

    asyncio.run(run())


async def names(database: Database) -> list[str]:
    keys = await database.read(text("SELECT key FROM idempotency_keys ORDER BY key"))
    events = await database.read(text("SELECT consumer FROM inbox ORDER BY consumer"))
    return [row[0] for row in (*keys, *events)]


def test_only_what_is_older_than_its_bound_is_forgotten(database_url: str) -> None:
    async def scene(database: Database, pruner: Pruner) -> None:
        for key, status, age_h in (("old", 200, 49), ("young", 200, 47), ("unfinished", None, 99)):
            await database.write(KEY, {"key": key, "status": status, "age_h": age_h})
        for name, age_h in (("last month's", 14 * 24 + 1), ("last week's", 8 * 24)):
            await database.write(EVENT, {"name": name, "age_h": age_h})

        assert not await pruner.step()

        assert await names(database) == ["unfinished", "young", "last week's"]

    play(database_url, scene)


def test_a_backlog_goes_in_batches_with_a_pause_between(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    pauses: list[float] = []
    asleep = asyncio.sleep

    async def note(pause_s: float) -> None:
        pauses.append(pause_s)
        await asleep(0)

    async def scene(database: Database, pruner: Pruner) -> None:
        for key in "abcde":
            await database.write(KEY, {"key": key, "status": 200, "age_h": 49})
        monkeypatch.setattr("microservices.kit.pruning.asyncio.sleep", note)

        remaining_keys: list[Any] = []
        more = True
        while more:
            more = await pruner.step()
            remaining_keys.append(await names(database))

        assert remaining_keys == [["c", "d", "e"], ["e"], []]
        assert pauses == [pruning.PAUSE_S] * 2

    play(database_url, scene)


def test_nothing_is_forgotten_while_somebody_copies(database_url: str) -> None:
    async def scene(database: Database, pruner: Pruner) -> None:
        await database.write(KEY, {"key": "old", "status": 200, "age_h": 49})
        async with database.transaction() as copies:
            await copies.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            await pruner.step()
            during_copy = await names(database)
        await pruner.step()

        assert (during_copy, await names(database)) == (["old"], [])

    play(database_url, scene)


@pytest.mark.parametrize("too_short", [{"keys_kept_h": 23}, {"inbox_kept_h": 7 * 24}])
def test_a_bound_below_what_is_promised_is_refused(too_short: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(twinshop_mode="local", database_url="postgresql://nobody", **too_short)
