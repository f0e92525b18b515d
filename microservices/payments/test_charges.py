"""Money is taken once for an order, and an answer that did not come is never taken for a no."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from microservices.payments.conftest import Stage
from shared.contract.bodies import WebhookInput
from shared.domain.errors import Unauthenticated
from shared.domain.ids import new_id
from shared.platform.webhook_signature import sign

Play = Callable[[Any], Any]


def webhook(order_id: str, what: str = "charge.captured", amount: int = 1000, **other: Any) -> WebhookInput:
    fields = {"id": "evt_1", "merchant": "shop", "currency": "EUR", "occurred_at": ""} | other
    return WebhookInput(type=what, charge_key=order_id, amount=amount, **fields)


def test_a_charge_is_taken_once_and_answered_again(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        first = await stage.charge(order_id)
        again = await stage.charge(order_id)

        assert (first.status, again) == ("captured", first)
        assert len(stage.ledger.calls) == 1
        assert await stage.events() == []  # the one who asked knows
        assert not stage.outbox.wake.is_set()  # to find nothing costs the relay three round trips

    play(scene)


@pytest.mark.parametrize("trouble", ["away", "silent", "lost"])
@pytest.mark.parametrize("decline", [False, True])
def test_a_charge_without_an_answer_is_sent_again_with_its_key(play: Play, trouble: str, decline: bool) -> None:
    async def scene(stage: Stage) -> None:
        stage.ledger.trouble, stage.ledger.decline = trouble, decline
        assert (await stage.charge()).status == "pending"
        await stage.settle()
        assert await stage.unfinished() == {"payment"}

        stage.ledger.trouble = ""
        await stage.settle()
        assert await stage.unfinished() == set()
        assert await stage.events() == ["payment.declined" if decline else "payment.captured"]
        assert len(stage.ledger.charges) == 1

    play(scene)


def test_whoever_was_told_pending_is_told_the_end(play: Play) -> None:
    """A first request that is slow answers nobody any more: a second one was told `pending` and waits for an event."""

    async def scene(stage: Stage) -> None:
        order_id = new_id()
        come, go = stage.ledger.hold()
        first = asyncio.create_task(stage.charge(order_id))
        await come.wait()
        second = await stage.charge(order_id)
        go.set()

        assert ((await first).status, second.status) == ("captured", "pending")
        assert await stage.events() == ["payment.captured"]
        assert stage.outbox.wake.is_set()

    play(scene)


def test_what_stays_unknown_for_too_long_is_called_off(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        stage.ledger.trouble = "lost"
        await stage.charge()
        await stage.database.write(text("UPDATE payments SET created_at = now() - interval '1 hour'"))
        stage.ledger.trouble = ""
        await stage.settle()

        assert (await stage.row()).status == "voided"
        assert await stage.events() == ["payment.voided"]

    play(scene)


def test_a_void_does_not_undo_a_capture(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        stage.ledger.trouble = "silent"
        await stage.charge(order_id)
        stage.ledger.trouble = ""

        assert (await stage.charges.void(order_id)).status == "captured"
        assert ((await stage.row()).status, (await stage.row()).captured) == ("captured", 1000)

    play(scene)


def test_a_void_of_an_order_never_seen_refuses_the_charge_that_comes_later(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()

        assert (await stage.charges.void(order_id)).status == "voided"
        assert (await stage.charge(order_id)).status == "voided"

    play(scene)


def test_what_costs_nothing_is_captured_without_the_provider(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        assert (await stage.charge(amount=0)).status == "captured"
        assert stage.ledger.calls == []

    play(scene)


def test_a_webhook_settles_at_once_and_only_once(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        stage.ledger.trouble = "silent"
        await stage.charge(order_id)
        await stage.webhooks.apply(webhook(order_id))
        await stage.webhooks.apply(webhook(order_id))

        assert (await stage.row()).status == "captured"
        assert await stage.events() == ["payment.captured"]

    play(scene)


def test_a_webhook_with_another_amount_or_of_another_shop_is_not_believed(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        stage.ledger.trouble = "lost"
        await stage.charge(order_id)
        await stage.webhooks.apply(webhook(order_id, amount=1))
        await stage.webhooks.apply(webhook(order_id, merchant="other"))
        await stage.webhooks.apply(webhook(new_id()))
        await stage.webhooks.apply(webhook("no-id"))
        await stage.webhooks.apply(webhook(order_id, what="charge.dreamt"))

        assert (await stage.row()).status == "pending"

    play(scene)


def test_a_capture_that_shows_up_after_a_void_is_told(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        stage.ledger.charges[order_id] = {"status": "voided", "amount": 0}
        assert (await stage.charge(order_id)).status == "voided"
        await stage.webhooks.apply(webhook(order_id))

        assert ((await stage.row()).status, (await stage.row()).captured) == ("captured", 1000)
        assert await stage.events() == ["payment.captured"]

    play(scene)


def test_a_webhook_must_be_signed_a_short_while_ago(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        raw, now = webhook(new_id()).model_dump_json().encode(), int(time.time())
        await stage.webhooks.receive(raw, sign("s3", raw, now))

        for signature in ("", sign("guess", raw, now), sign("s3", raw + b" ", now), sign("s3", raw, now - 301)):
            with pytest.raises(Unauthenticated):
                await stage.webhooks.receive(raw, signature)

    play(scene)
