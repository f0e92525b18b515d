"""Webhooks: believed only if they are genuine and fresh; told twice, they change nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from shared.platform.webhook_signature import HEADER
from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop
from tests.journeys.waiting import until


def webhook(shop: Shop, order: dict[str, Any], kind: str = "charge.captured", **fields: Any) -> bytes:
    """Return the body of a webhook about an order's charge."""
    body = {
        "id": f"evt_{order['id']}_{kind}",
        "type": kind,
        "merchant": shop.provider.merchant,
        "charge_key": order["id"],
        "amount": order["total"]["amount"],
        "currency": "EUR",
        "occurred_at": "2025-11-20T19:00:00Z",
    }
    return json.dumps(body | fields).encode()


def deliver(shop: Shop, body: bytes, **signing: Any) -> httpx.Response:
    """Send a webhook, signed as the keywords say."""
    return shop.http.post("/webhooks/payments", content=body, headers=shop.provider.signed(body, **signing))


@pytest.mark.core
def test_a_replayed_webhook_changes_nothing(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks(stock=5)
    order = customer.buy((armchair, 2))

    answers = [deliver(shop, webhook(shop, order)) for _ in range(3)]

    assert [expect(answer, 200) for answer in answers] == [{"status": "accepted"}] * 3
    assert customer.order(order["id"]) == order
    assert shop.available(armchair) == 3


def test_the_provider_may_redeliver_as_often_as_it_likes(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks(stock=5)
    order = customer.buy((armchair, 1))
    expect(customer.cancel(order["id"]), 200)
    cancelled = customer.order(order["id"])

    shop.provider.redeliver(order["id"], copies=10)
    customer.is_told(order["id"], "order_cancelled")

    assert customer.order(order["id"]) == cancelled
    until("the stock is back", lambda: shop.available(armchair) == 5)
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert len(charge["refunds"]) == 1


@pytest.mark.core
def test_a_forged_webhook_is_refused(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))
    body = webhook(shop, order, "charge.declined")

    expect_problem(deliver(shop, body, secret="guessed-secret"), 401, "unauthenticated")

    assert customer.order(order["id"]) == order


def test_a_signature_of_another_body_is_refused(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))
    body = webhook(shop, order)
    headers = shop.provider.signed(body)

    answer = shop.http.post("/webhooks/payments", content=body.replace(b"EUR", b"USD"), headers=headers)

    expect_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("age_s", [3600, 301, -3600])
def test_an_old_webhook_is_refused(shop: Shop, admin: Admin, customer: Customer, age_s: int) -> None:
    order = customer.buy((admin.stocks(), 1))

    expect_problem(deliver(shop, webhook(shop, order), age_s=age_s), 401, "unauthenticated")


@pytest.mark.parametrize("signature", [None, "", "v1=abc", "t=abc,v1=00", "t=1,v1=" + "0" * 64, "t=٣,v1=" + "0" * 64])
def test_a_webhook_without_a_proper_signature_is_refused(shop: Shop, signature: str | None) -> None:
    headers = {"Content-Type": "application/json"} | ({HEADER: signature.encode()} if signature is not None else {})

    answer = shop.http.post("/webhooks/payments", content=b"{}", headers=headers)  # type: ignore[arg-type]

    expect_problem(answer, 401, "unauthenticated")


def test_a_genuine_webhook_about_nothing_of_ours_is_accepted_and_ignored(shop: Shop) -> None:
    nobodys = {"id": "0197a3b2-0000-7000-8000-000000000000", "total": {"amount": 100}}

    unknown = deliver(shop, webhook(shop, nobodys))
    elsewhere = deliver(shop, webhook(shop, nobodys, merchant="another-shop"))
    strange = deliver(shop, webhook(shop, nobodys, charge_key="not-even-an-id"))
    unheard_of = deliver(shop, webhook(shop, nobodys, "charge.blessed"))

    for answer in (unknown, elsewhere, strange, unheard_of):
        assert expect(answer, 200) == {"status": "accepted"}


@pytest.mark.parametrize("amount", ["-1", "1000000000001", "1e3", "9" * 400, "9" * 5000], ids=lambda text: text[:13])
def test_a_genuine_webhook_about_an_amount_that_no_order_can_have_is_refused(shop: Shop, amount: str) -> None:
    body = webhook(shop, {"id": "0197a3b2-0000-7000-8000-000000000000", "total": {"amount": 4711}})

    answer = deliver(shop, body.replace(b"4711", amount.encode()))

    expect_problem(answer, *((400, "malformed_body") if len(amount) > 4300 else (422, "invalid_request")))


def test_a_genuine_webhook_that_says_a_field_twice_is_refused(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))
    body = webhook(shop, order).replace(b'"type"', b'"type": "refund.succeeded", "type"')

    problem = expect_problem(deliver(shop, body), 422, "invalid_request")

    assert [error["field"] for error in problem["errors"]] == ["type"]


@pytest.mark.parametrize(("body", "status", "code"), [(b"{", 400, "malformed_body"), (b"{}", 422, "invalid_request")])
def test_a_genuine_webhook_that_makes_no_sense_is_told_so(shop: Shop, body: bytes, status: int, code: str) -> None:
    expect_problem(deliver(shop, body), status, code)


def test_a_decline_does_not_undo_a_capture(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))

    expect(deliver(shop, webhook(shop, order, "charge.declined")), 200)

    assert customer.order(order["id"]) == order
    assert customer.payment(order["payment_id"])["status"] == "captured"


def test_a_capture_does_not_revive_a_declined_order_by_itself(shop: Shop, admin: Admin, customer: Customer) -> None:
    expect_problem(customer.place_order((admin.stocks(), 1), payment_method="pm_declined"), 402, "payment_declined")
    order = customer.orders()[0]

    expect(deliver(shop, webhook(shop, order, amount=1)), 200)

    assert customer.order(order["id"])["status"] == "rejected"
