"""No more goes back than was taken, once, whatever happens between the decision and the provider."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from microservices.kit import idempotency
from microservices.payments.conftest import Stage
from microservices.payments.refund_for_admin import refund_for_admin
from microservices.payments.refund_for_order import on_refund_due, refund_for_cancel
from microservices.payments.test_webhooks import webhook
from shared.contract.bodies import MoneyBody, RefundInput
from shared.contract.events import OrderEvent
from shared.contract.parsing import Keyed
from shared.domain.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RefundExceedsCapture,
    RequestInFlight,
    Unavailable,
)
from shared.domain.ids import new_id

Play = Callable[[Any], Any]


def test_a_refund_is_made_once_and_answered_again(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        first = await stage.refund(payment_id, 300)
        again = await stage.refund(payment_id, 300)

        assert (first.status, json.loads(first.body)["status"]) == (200, "refunded")
        assert again.body == first.body
        assert list(stage.ledger.refunds.values()) == [300]
        assert ((await stage.row()).refunded, (await stage.row()).refunded_by_admin) == (300, 300)
        with pytest.raises(IdempotencyKeyReused):
            await stage.refund(payment_id, 301)

    play(scene)


def test_refunds_at_the_same_time_never_exceed_the_capture(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge(amount=1000)).payment_id
        attempts = (stage.refund(payment_id, 400, key=f"key-{n}") for n in range(6))
        answers = await asyncio.gather(*attempts, return_exceptions=True)

        assert sum(isinstance(answer, RefundExceedsCapture) for answer in answers) == 4
        assert sum(stage.ledger.refunds.values()) == 800

    play(scene)


def test_a_cancellation_that_the_provider_refuses_stays_open_and_is_told_to_the_operator(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        await stage.charge(order_id)
        stage.ledger.trouble = "refuses"
        refused = await refund_for_cancel(stage.refunds, order_id)
        await stage.settle()
        asked_again = await refund_for_cancel(stage.refunds, order_id)
        open_work, events = await stage.unfinished(), await stage.events()

        stage.ledger.trouble = ""
        await stage.settle()

        assert (refused.status, asked_again.status) == ("pending", "pending")
        assert (open_work, events) == ({"refund"}, [])
        assert b"refunds_refused_total 2.0" in stage.metrics.render()
        assert (await refund_for_cancel(stage.refunds, order_id)).status == "refunded"
        assert await stage.events() == ["payment.refunded"]

    play(scene)


def test_a_late_capture_whose_refund_is_refused_stays_open(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        await stage.charge(order_id)
        due = OrderEvent(
            id=new_id(), type="order.refund_due", occurred_at="", order_id=order_id, version=3, customer_id="ada",
            email="", lines=[], total=None,
        )  # fmt: skip
        async with stage.database.transaction() as connection:
            await on_refund_due(stage.refunds, connection, [due])
        stage.ledger.trouble = "refuses"

        await stage.settle()

        assert await stage.unfinished() == {"refund"}

    play(scene)


def test_a_refund_of_what_was_never_captured_is_refused(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.ledger.decline = True
        payment_id = (await stage.charge()).payment_id

        with pytest.raises(RefundExceedsCapture):
            await stage.refund(payment_id, 1)
        with pytest.raises(NotFound):
            await stage.refund(new_id(), 1)

    play(scene)


def test_a_refund_in_another_currency_is_refused_and_its_key_stays_free(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        dollars = Keyed(RefundInput(amount=MoneyBody(amount=1, currency="USD")), "key-1", "in dollars")
        with pytest.raises(InvalidRequest):
            await refund_for_admin(stage.refunds, "root", payment_id, dollars)

        assert (await stage.refund(payment_id, 1)).status == 200

    play(scene)


def test_a_refund_that_never_reached_the_provider_is_undone(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        stage.ledger.trouble = "away"
        with pytest.raises(Unavailable):
            await stage.refund(payment_id, 300)
        stage.ledger.trouble = ""

        assert await stage.unfinished() == set()
        assert (await stage.refund(payment_id, 1000)).status == 200

    play(scene)


def test_a_refund_that_the_loop_has_sent_is_not_undone(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        come, go = stage.ledger.hold()
        frozen = asyncio.create_task(stage.refund(payment_id, 400))
        await come.wait()
        stage.ledger.trouble = "silent"
        await stage.settle()
        stage.ledger.trouble = "away"
        go.set()
        with pytest.raises(OutcomeUnknown):
            await frozen
        with pytest.raises(RequestInFlight):
            await stage.refund(payment_id, 400)
        stage.ledger.trouble = ""
        await stage.settle()

        assert (await stage.refund(payment_id, 400)).status == 200
        assert list(stage.ledger.refunds.values()) == [400]

    play(scene)


def test_a_database_lost_during_a_replay_does_not_deny_the_first(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        first = await stage.refund(payment_id, 300)
        database = stage.refunds.database
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(idempotency, "_LOOK_UP", text("SELECT pg_terminate_backend(pg_backend_pid())"))
            with pytest.raises(OutcomeUnknown):
                await stage.refund(payment_id, 300)

        assert await database.is_ready()
        assert (await stage.refund(payment_id, 300)).body == first.body

    play(scene)


@pytest.mark.parametrize("trouble", ["silent", "lost"])
def test_a_refund_without_an_answer_is_finished_by_the_loop_and_answered_under_its_key(
    play: Play, trouble: str
) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        stage.ledger.trouble = trouble
        with pytest.raises(OutcomeUnknown):
            await stage.refund(payment_id, 300)
        with pytest.raises(RequestInFlight):
            await stage.refund(payment_id, 300)
        stage.ledger.trouble = ""
        await stage.settle()

        assert (await stage.refund(payment_id, 300)).status == 200
        assert list(stage.ledger.refunds.values()) == [300]
        assert (await stage.row()).refunded == 300

    play(scene)


def test_a_webhook_finishes_a_refund(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        stage.ledger.trouble = "silent"
        with pytest.raises(OutcomeUnknown):
            await stage.refund(payment_id, 300)
        (refund_key,) = stage.ledger.refunds
        refund = await stage.refunds.by_key(refund_key)
        assert refund is not None
        event = webhook(type="refund.succeeded", charge_key=refund.order_id, refund_key=refund_key, amount=300)
        await stage.webhooks.apply(event)
        await stage.webhooks.apply(event)

        assert (await stage.row()).refunded == 300

    play(scene)


def test_a_cancellation_gives_back_what_admins_have_left(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        payment_id = (await stage.charge(order_id, 1000)).payment_id
        await stage.refund(payment_id, 300)
        first = await refund_for_cancel(stage.refunds, order_id)
        again = await refund_for_cancel(stage.refunds, order_id)

        assert (first.status, first.amount.amount, again) == ("refunded", 700, first)
        assert stage.ledger.refunds[f"cancel-{order_id}"] == 700
        assert ((await stage.row()).refunded, (await stage.row()).refunded_by_admin) == (1000, 300)

    play(scene)


def test_a_cancellation_with_nothing_left_calls_nobody(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        payment_id = (await stage.charge(order_id, 1000)).payment_id
        await stage.refund(payment_id, 1000)
        calls = len(stage.ledger.calls)

        assert (await refund_for_cancel(stage.refunds, order_id)).status == "refunded"
        assert len(stage.ledger.calls) == calls

    play(scene)


@pytest.mark.parametrize("trouble", ["away", "silent", "lost"])
def test_a_cancellation_without_an_answer_is_pending_and_told_in_the_end(play: Play, trouble: str) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        await stage.charge(order_id)
        stage.ledger.trouble = trouble
        assert (await refund_for_cancel(stage.refunds, order_id)).status == "pending"
        stage.ledger.trouble = ""
        await stage.settle()

        assert (await refund_for_cancel(stage.refunds, order_id)).status == "refunded"
        assert await stage.events() == ["payment.refunded"]
        assert sum(stage.ledger.refunds.values()) == 1000

    play(scene)


def test_a_refund_that_a_cancellation_has_counted_on_is_not_undone(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        payment_id = (await stage.charge(order_id, 1000)).payment_id
        come, go = stage.ledger.hold()
        refund = asyncio.create_task(stage.refund(payment_id, 300))
        await come.wait()
        cancel = await refund_for_cancel(stage.refunds, order_id)
        stage.ledger.trouble = "away"
        go.set()
        with pytest.raises(OutcomeUnknown):
            await refund
        stage.ledger.trouble = ""
        await stage.settle()

        assert cancel.amount.amount == 700
        assert sum(stage.ledger.refunds.values()) == 1000
        assert (await stage.row()).refunded == 1000

    play(scene)


def test_a_capture_that_came_too_late_is_refunded_in_full_once(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        await stage.charge(order_id, 1000)
        due = OrderEvent(
            id=new_id(), type="order.refund_due", occurred_at="", order_id=order_id, version=3,
            customer_id="ada", email="ada@customers.example", lines=[], total=None,
        )  # fmt: skip
        for _ in range(2):
            async with stage.database.transaction() as connection:
                await on_refund_due(stage.refunds, connection, [due])
        await stage.settle()

        assert stage.ledger.refunds == {f"late-{order_id}": 1000}
        assert await stage.unfinished() == set()

    play(scene)
