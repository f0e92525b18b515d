"""An order is placed once for each key, and whatever fails on the way leaves nothing half done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from microservices.kit.database import Database
from microservices.orders.conftest import CAPTURED, DECLINED, PENDING, RESERVED, Stage, hangs, is_away, refuses, says
from shared.domain.errors import (
    FieldError,
    IdempotencyKeyReused,
    InvalidRequest,
    OutcomeUnknown,
    OutOfStock,
    PriceChanged,
    RequestInFlight,
    Unavailable,
)
from shared.domain.money import Money

Play = Callable[[Any], Any]


def test_a_confirmed_order_is_told_and_its_answer_comes_back_byte_for_byte(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        first = await stage.place()
        again = await stage.place()

        assert (first.status, json.loads(first.body)["status"]) == (201, "confirmed")
        assert first.headers["Location"] == f"/orders/{(await stage.order()).id}"
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert await stage.events() == ["order.confirmed"]
        assert stage.request_paths == ["/internal/reservations", "/internal/charges"]

    play(scene)


def test_fifty_requests_with_one_key_make_one_order(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        answers = await asyncio.gather(*(stage.place() for _ in range(50)), return_exceptions=True)

        bodies = {answer.body for answer in answers if not isinstance(answer, BaseException)}
        assert len(bodies) == 1
        assert all(isinstance(answer, RequestInFlight) for answer in answers if isinstance(answer, BaseException))
        assert stage.request_paths.count("/internal/charges") == 1

    play(scene)


def test_a_database_lost_during_a_replay_does_not_deny_the_first(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: Any) -> Any:
        raise Unavailable("The database is away.")

    async def scene(stage: Stage) -> None:
        first = await stage.place()
        with monkeypatch.context() as patch:
            patch.setattr(Database, "read", lost)
            with pytest.raises(OutcomeUnknown):
                await stage.place()

        assert (await stage.place()).body == first.body

    play(scene)


def test_a_key_with_another_body_is_refused(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.place()

        with pytest.raises(IdempotencyKeyReused):
            await stage.place(sku="CHAIR-1")

    play(scene)


@pytest.mark.parametrize(
    ("refusal", "status"), [(OutOfStock("BREAD-1"), 409), (PriceChanged(Money(600)), 409)], ids=["stock", "price"]
)
def test_a_refusal_of_the_catalog_is_final(play: Play, refusal: Any, status: int) -> None:
    async def scene(stage: Stage) -> None:
        stage.catalog = refuses(refusal)
        first = await stage.place()
        stage.catalog = RESERVED
        again = await stage.place()

        problem = json.loads(first.body)
        assert (first.status, problem["code"]) == (status, refusal.code)
        assert problem.get("total") == ({"amount": 600, "currency": "EUR"} if refusal.code == "price_changed" else None)
        assert again.body == first.body
        order = await stage.order()
        assert (order.status, order.reason) == ("rejected", refusal.code)

    play(scene)


def test_a_declined_payment_is_final_and_gives_the_stock_back(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.payments = DECLINED
        first = await stage.place()
        stage.payments = CAPTURED
        again = await stage.place()

        assert (first.status, again.body) == (402, first.body)
        assert await stage.events() == ["order.rejected"]

    play(scene)


def test_an_unknown_sku_leaves_nothing_and_the_key_is_free(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.catalog = refuses(InvalidRequest("No such product.", [FieldError("lines.0.sku", "is not sold here")]))
        with pytest.raises(InvalidRequest) as refused:
            await stage.place(sku="NOPE-1")
        stage.catalog = RESERVED

        assert refused.value.errors == [FieldError("lines.0.sku", "is not sold here")]
        assert await stage.events() == []
        assert (await stage.place()).status == 201

    play(scene)


@pytest.mark.parametrize("trouble", [is_away, hangs, says(503, {}), says(504, {}), says(500, {})])
def test_without_a_catalog_the_saga_only_compensates_and_the_key_is_free(play: Play, trouble: Any) -> None:
    async def scene(stage: Stage) -> None:
        stage.catalog = trouble
        with pytest.raises(Unavailable):
            await stage.place()

        order = await stage.order()
        assert (order.status, order.reason, order.idempotency_key) == ("rejected", "unavailable", None)
        assert await stage.events() == ["order.rejected"]  # the catalog may have reserved after all
        stage.catalog = RESERVED
        assert (await stage.place()).status == 201
        assert stage.request_paths.count("/internal/charges") == 1

    play(scene)


@pytest.mark.parametrize("trouble", [is_away, hangs, PENDING, says(503, {}), says(500, {})])
def test_without_an_answer_about_the_money_the_order_waits(play: Play, trouble: Any) -> None:
    async def scene(stage: Stage) -> None:
        stage.payments = trouble
        first = await stage.place()
        again = await stage.place()

        assert (first.status, json.loads(first.body)["status"]) == (202, "payment_pending")
        assert (again.status, again.body) == (202, first.body)
        assert await stage.events() == ["order.payment_pending"]

    play(scene)
