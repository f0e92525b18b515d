"""An old key is free again, and its order stays; what is unfinished or was finished a moment ago keeps its key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from microservices.kit.pruning import Pruner
from microservices.orders.conftest import ADA, PENDING, Stage
from microservices.orders.tables import PRUNE_KEYS

Play = Callable[[Any], Any]
DAYS_OLD = "UPDATE orders SET {} = now() - interval '3 days'"


async def forget(stage: Stage) -> None:
    pruner = Pruner(stage.database, stage.settings)
    pruner.statements.append(PRUNE_KEYS)
    await pruner.step()


async def make_old(stage: Stage, *columns: str) -> None:
    for column in columns or ("created_at", "updated_at"):
        await stage.database.write(text(DAYS_OLD.format(column)))


def test_an_old_key_places_a_new_order_and_the_old_one_is_still_there(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first = json.loads((await stage.place()).body)["id"]
        assert json.loads((await stage.place()).body)["id"] == first
        await make_old(stage)
        await forget(stage)

        second = json.loads((await stage.place()).body)["id"]

        keys = await stage.database.read(text("SELECT order_id::text, idempotency_key, status FROM v_orders"))
        assert {tuple(row) for row in keys} == {(first, None, "confirmed"), (second, "key-1", "confirmed")}
        order = await stage.orders.answers.order(first, ADA)
        assert json.loads(order.body)["status"] == "confirmed"

    play(scene)


@pytest.mark.parametrize("status", ["cancelling", "payment_pending"])
def test_the_key_of_an_unfinished_order_is_kept(play: Play, status: str) -> None:
    async def scene(stage: Stage) -> None:
        if status == "payment_pending":
            stage.payments = PENDING
        await stage.place()
        await stage.database.write(text("UPDATE orders SET status = :status"), {"status": status})
        await make_old(stage)
        await forget(stage)

        assert (await stage.order()).idempotency_key == "key-1"

    play(scene)


def test_the_key_of_an_order_that_waited_for_days_is_kept_after_its_end(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.place()
        await make_old(stage, "created_at")
        await forget(stage)

        assert (await stage.order()).idempotency_key == "key-1"

    play(scene)
