"""A genuine webhook is acted on only if what it says of order and money is what the books say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from microservices.payments.conftest import Stage
from microservices.payments.refund_for_order import refund_for_cancel
from shared.contract.bodies import WebhookInput
from shared.domain.ids import new_id

Play = Callable[[Any], Any]

OTHER_ID = "01890a5d-ac96-774b-bcce-b302099a8057"  # of nobody; the same in each collection of the tests


def webhook(**fields: Any) -> WebhookInput:
    """Return a webhook of the provider."""
    common = {"id": "evt_1", "merchant": "shop", "amount": 1000, "currency": "EUR", "occurred_at": "now"}
    return WebhookInput.model_validate(common | fields)


def mismatches(stage: Stage, field: str) -> float:
    """Return how many webhooks were ignored because of this field."""
    return float(stage.metrics.registry.get_sample_value("webhook_mismatches_total", {"field": field}) or 0)


async def pending_cancellation(stage: Stage) -> str:
    """Return the id of an order whose refund is recorded, and unknown to the provider."""
    order_id = new_id()
    await stage.charge(order_id)
    stage.ledger.trouble = "away"
    assert (await refund_for_cancel(stage.refunds, order_id)).status == "pending"
    return order_id


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("merchant", "another"), ("charge_key", OTHER_ID), ("charge_key", "-"), ("amount", 999), ("currency", "USD")],
)
@pytest.mark.parametrize("kind", ["charge.captured", "charge.declined"])
def test_a_charge_that_differs_is_ignored_and_counted(play: Play, kind: str, field: str, wrong: Any) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        stage.ledger.trouble = "lost"
        await stage.charge(order_id)
        fields = {"type": kind, "charge_key": order_id}

        await stage.webhooks.apply(webhook(**fields | {field: wrong}))

        assert (await stage.row()).status == "pending"
        assert mismatches(stage, field) == 1

        await stage.webhooks.apply(webhook(**fields))

        assert (await stage.row()).status == kind.removeprefix("charge.")

    play(scene)


def test_a_charge_that_is_settled_is_compared_too(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        order_id = new_id()
        await stage.charge(order_id)

        await stage.webhooks.apply(webhook(type="charge.captured", charge_key=order_id, amount=1))

        assert mismatches(stage, "amount") == 1

    play(scene)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("merchant", "another"),
        ("charge_key", OTHER_ID),
        ("charge_key", "-"),
        ("refund_key", "another"),
        ("refund_key", None),
        ("amount", 999),
        ("amount", 1001),
        ("currency", "USD"),
    ],
)
def test_a_refund_that_differs_is_ignored_and_counted(play: Play, field: str, wrong: Any) -> None:
    async def scene(stage: Stage) -> None:
        order_id = await pending_cancellation(stage)
        fields = {"type": "refund.succeeded", "charge_key": order_id, "refund_key": f"cancel-{order_id}"}

        await stage.webhooks.apply(webhook(**fields | {field: wrong}))

        assert (await stage.unfinished(), await stage.events()) == ({"refund"}, [])
        assert mismatches(stage, field) == 1

        await stage.webhooks.apply(webhook(**fields))

        assert (await stage.unfinished(), await stage.events()) == (set(), ["payment.refunded"])

    play(scene)


def test_a_refund_of_another_order_is_ignored(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        other = new_id()
        await stage.charge(other)
        order_id = await pending_cancellation(stage)

        await stage.webhooks.apply(webhook(type="refund.succeeded", charge_key=other, refund_key=f"cancel-{order_id}"))

        assert await stage.unfinished() == {"refund"}
        assert mismatches(stage, "charge_key") == 1

    play(scene)
