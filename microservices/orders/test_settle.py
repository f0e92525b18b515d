"""Whatever a crash or a silence leaves behind is led to its end, once, by whoever comes first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from microservices.orders.cancel_order import cancel_order
from microservices.orders.conftest import ADA, CAPTURED, DECLINED, MONEY, PENDING, Stage, hangs, is_away, says
from microservices.orders.settle import TooEarly
from shared.domain.errors import NotCancellable, NotFound
from shared.domain.ids import new_id
from shared.platform.tokens import Principal

Play = Callable[[Any], Any]
REFUNDED = says(200, {"status": "refunded", "amount": MONEY})
REFUND_PENDING = says(202, {"status": "pending", "amount": MONEY})
MALLORY = Principal("mallory", "mallory@customers.example", frozenset({"customer"}))


def test_a_crash_after_the_first_commit_is_carried_on_and_answered_under_the_key(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.crash_while_placing()
        await stage.recovery.resume_due()

        assert (await stage.place()).status == 201
        assert await stage.events() == ["order.confirmed"]

    play(scene)


def test_a_placed_order_waits_for_the_catalog_to_come_back(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.crash_while_placing()
        stage.catalog = is_away
        await stage.recovery.resume_due()
        assert (await stage.order()).status == "placed"

        stage.catalog = says(200, {"lines": [], "total": MONEY})
        await stage.make_due()
        await stage.recovery.resume_due()
        assert (await stage.order()).status == "confirmed"

    play(scene)


def test_a_request_and_the_recovery_never_both_take_the_step(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        charge_requested, recovered = asyncio.Event(), asyncio.Event()

        async def slow_once(request: httpx.Request) -> httpx.Response:
            if not charge_requested.is_set():
                charge_requested.set()
                await recovered.wait()
            return await CAPTURED(request)

        stage.payments = slow_once
        request = asyncio.create_task(stage.place())
        await charge_requested.wait()
        await stage.recovery.resume_due()
        recovered.set()
        answer = await request

        assert answer.status == 201
        assert await stage.events() == ["order.confirmed"]
        assert answer.body == (await stage.place()).body

    play(scene)


@pytest.mark.parametrize(
    ("outcome", "answer", "event"), [(CAPTURED, 201, "order.confirmed"), (DECLINED, 402, "order.rejected")]
)
def test_a_pending_payment_is_asked_for_again(play: Play, outcome: Any, answer: int, event: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.payments = hangs
        await stage.place()
        stage.payments = outcome
        await stage.recovery.resume_due()

        assert (await stage.place()).status == answer
        assert await stage.events() == ["order.payment_pending", event]

    play(scene)


def test_a_payment_that_is_promised_is_not_asked_for_soon(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.payments = hangs
        await stage.place()
        stage.payments = PENDING
        await stage.recovery.resume_due()
        call_count = len(stage.request_paths)
        await stage.recovery.resume_due()

        assert len(stage.request_paths) == call_count
        soon = text("SELECT 1 FROM orders WHERE due_at < now() + interval '20 seconds'")
        assert not await stage.database.read(soon)

    play(scene)


def test_a_payment_that_stays_unknown_for_too_long_is_called_off(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.payments = hangs
        await stage.place()
        await stage.database.write(text("UPDATE orders SET created_at = now() - interval '1 hour'"))
        stage.payments = says(200, {"payment_id": "p", "status": "voided"})
        await stage.recovery.resume_due()

        assert stage.request_paths[-1].endswith("/void")
        order = await stage.order()
        assert (order.status, order.reason) == ("rejected", "payment_voided")
        assert (await stage.place()).status == 402

    play(scene)


@pytest.mark.parametrize(
    ("event_type", "status", "event"),
    [
        ("payment.captured", "confirmed", "order.confirmed"),
        ("payment.declined", "rejected", "order.rejected"),
        ("payment.voided", "rejected", "order.rejected"),
    ],
)
def test_an_event_settles_a_pending_order_once(play: Play, event_type: str, status: str, event: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.payments = hangs
        await stage.place()
        await stage.hear(event_type)
        await stage.hear(event_type)

        assert (await stage.order()).status == status
        events = await stage.events()
        assert events[:2] == ["order.payment_pending", event]
        assert "order.confirmed" not in events[2:]

    play(scene)


def test_an_event_for_an_order_that_is_still_being_placed_comes_again(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.crash_while_placing()

        with pytest.raises(TooEarly):
            await stage.hear("payment.captured")
        assert (await stage.order()).status == "placed"

    play(scene)


def test_a_capture_after_the_rejection_is_to_be_refunded(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.payments = DECLINED
        await stage.place()
        await stage.hear("payment.captured")

        assert (await stage.order()).status == "rejected"
        assert await stage.events() == ["order.rejected", "order.refund_due"]

    play(scene)


def test_cancelling_twice_answers_the_same(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.place()
        order_id = str((await stage.order()).id)
        stage.payments = REFUNDED
        first = await cancel_order(stage.orders, ADA, order_id)
        again = await cancel_order(stage.orders, ADA, order_id)

        assert (first.status, json.loads(first.body)["status"]) == (200, "cancelled")
        assert again.body == first.body
        assert await stage.events() == ["order.confirmed", "order.cancelled"]
        assert (await stage.place()).status == 201  # what the key was answered stays as it was

    play(scene)


@pytest.mark.parametrize("silence", [hangs, REFUND_PENDING])
def test_a_refund_without_an_answer_is_finished_by_the_loop_or_by_an_event(play: Play, silence: Any) -> None:
    async def scene(stage: Stage) -> None:
        for finish in ("loop", "event"):
            stage.payments = CAPTURED
            await stage.place(f"key of {finish}".replace(" ", "-"))
            order_id = str((await stage.order()).id)
            stage.payments = silence
            assert (await cancel_order(stage.orders, ADA, order_id)).status == 202
            assert (await cancel_order(stage.orders, ADA, order_id)).status == 202

            stage.payments = REFUNDED
            if finish == "loop":
                await stage.recovery.resume_due()
            else:
                await stage.hear("payment.refunded", origin="cancel")
            await stage.hear("payment.refunded", origin="cancel")
            assert (await stage.order()).status == "cancelled"
        assert (await stage.events()).count("order.cancelled") == 2

    play(scene)


def test_a_refund_of_an_admin_cancels_nothing(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.place()
        await stage.hear("payment.refunded", origin="admin")

        assert (await stage.order()).status == "confirmed"

    play(scene)


def test_what_cannot_be_cancelled_is_refused(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        await stage.place()
        order_id = str((await stage.order()).id)
        for who, unknown in ((MALLORY, order_id), (ADA, new_id()), (ADA, "no-id")):
            with pytest.raises(NotFound):
                await cancel_order(stage.orders, who, unknown)
        await stage.database.write(text("UPDATE orders SET created_at = now() - interval '1801 seconds'"))

        with pytest.raises(NotCancellable):
            await cancel_order(stage.orders, ADA, order_id)
        assert (await stage.order()).status == "confirmed"

    play(scene)


def test_a_payments_service_that_does_not_answer_is_asked_less_and_less(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.payments = is_away
        for number in range(12):
            await stage.place(f"key-{number}")
        tried = []
        for _ in range(5):
            await stage.make_due()
            stage.request_paths.clear()
            more = await stage.recovery.resume_due()
            tried.append(sum("charges" in path for path in stage.request_paths))
            assert not more  # not at once
        stage.payments = CAPTURED
        while await _unsettled(stage):
            await stage.make_due()
            await stage.recovery.resume_due()

        assert tried == [12, 10, 5, 2, 1]
        assert (await stage.events()).count("order.confirmed") == 12

    play(scene)


async def _unsettled(stage: Stage) -> bool:
    rows = await stage.database.read(text("SELECT 1 FROM orders WHERE status = 'payment_pending'"))
    return bool(rows)
