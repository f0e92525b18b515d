"""A genuine webhook is acted on only if what it says of order and money is what the books say."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from monolith.config import Settings
from shared.domain.ids import new_id
from shared.platform.webhook_signature import HEADER, sign
from tests.monolith_stage import SECRET, Shop, hangs, is_away

OTHER_ID = "01890a5d-ac96-774b-bcce-b302099a8057"  # of nobody; the same in each collection of the tests


def deliver(shop: Shop, settings: Settings, **fields: Any) -> None:
    """Send a webhook that the provider has signed."""
    common = {"id": "evt_1", "merchant": settings.provider_merchant, "currency": "EUR", "occurred_at": "now"}
    raw = json.dumps(common | fields).encode()
    headers = {HEADER: sign(SECRET, raw, int(time.time()))}
    answer = shop.app.test_client().post("/webhooks/payments", data=raw, headers=headers)
    assert answer.status_code == 200


def mismatches(shop: Shop, field: str) -> float:
    """Return how many webhooks were ignored because of this field."""
    registry = shop.modules.connections.metrics.registry
    return float(registry.get_sample_value("webhook_mismatches_total", {"field": field}) or 0)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("merchant", "another"), ("charge_key", OTHER_ID), ("charge_key", "-"), ("amount", 999), ("currency", "USD")],
)
@pytest.mark.parametrize("kind", ["charge.captured", "charge.declined"])
def test_a_charge_that_differs_is_ignored_and_counted(
    shop: Shop, settings: Settings, kind: str, field: str, wrong: Any
) -> None:
    shop.provider.charge = hangs
    order_id = shop.buy((shop.stocks("ARMCHAIR", price=500), 2)).json["id"]
    fields = {"type": kind, "charge_key": order_id, "amount": 1000}

    deliver(shop, settings, **fields | {field: wrong})

    assert shop.rows("SELECT status FROM payments") == [("pending",)]
    assert mismatches(shop, field) == 1

    deliver(shop, settings, **fields)

    assert shop.rows("SELECT status FROM payments") == [(kind.removeprefix("charge."),)]


def test_a_charge_that_is_settled_is_compared_too(shop: Shop, settings: Settings) -> None:
    order_id = shop.buy((shop.stocks("ARMCHAIR", price=500), 2)).json["id"]

    deliver(shop, settings, type="charge.captured", charge_key=order_id, amount=1)

    assert mismatches(shop, "amount") == 1


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
def test_a_refund_that_differs_is_ignored_and_counted(shop: Shop, settings: Settings, field: str, wrong: Any) -> None:
    order_id = shop.buy((shop.stocks("ARMCHAIR", price=500), 2)).json["id"]
    shop.provider.refund = is_away
    assert shop.ask("POST", f"/orders/{order_id}/cancel").status_code == 202
    fields = {"type": "refund.succeeded", "charge_key": order_id, "refund_key": f"cancel-{order_id}", "amount": 1000}

    deliver(shop, settings, **fields | {field: wrong})

    assert shop.rows("SELECT status FROM refunds") == [("pending",)]
    assert shop.rows("SELECT status FROM orders") == [("cancelling",)]
    assert mismatches(shop, field) == 1

    deliver(shop, settings, **fields)

    assert shop.rows("SELECT status FROM orders") == [("cancelled",)]


def test_a_refund_of_another_order_is_ignored(shop: Shop, settings: Settings) -> None:
    armchair = shop.stocks("ARMCHAIR", price=500)
    first, other = (shop.buy((armchair, 2)).json["id"] for _ in "12")
    shop.provider.refund = is_away
    shop.ask("POST", f"/orders/{first}/cancel")

    deliver(shop, settings, type="refund.succeeded", charge_key=other, refund_key=f"cancel-{first}", amount=1000)

    assert shop.rows("SELECT status FROM refunds") == [("pending",)]
    assert mismatches(shop, "charge_key") == 1


@pytest.mark.parametrize("fields", [{"refund_key": "\x00"}, {"amount": "1000"}, {"amount": True}])
def test_a_field_of_another_type_is_refused(shop: Shop, settings: Settings, fields: dict[str, Any]) -> None:
    body = {"id": "evt_1", "type": "refund.succeeded", "merchant": settings.provider_merchant, "charge_key": new_id()}
    raw = json.dumps(body | {"amount": 1, "currency": "EUR", "occurred_at": "now"} | fields).encode()

    answer = shop.app.test_client().post(
        "/webhooks/payments", data=raw, headers={HEADER: sign(SECRET, raw, int(time.time()))}
    )

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
