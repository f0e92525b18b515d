"""The provider does not answer in time: the order waits, and settles by webhook or by asking again."""

from __future__ import annotations

import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.settling import METHODS, PRICE, QUANTITY, LateOrders
from tests.journeys.shop import Shop
from tests.journeys.waiting import until

pytestmark = pytest.mark.settlement

TOTAL = {"amount": PRICE * QUANTITY, "currency": "EUR"}
SETTLED_BY_LOOP_S = 25.0  # the first try comes 10 s after the order, then back-off


@pytest.mark.parametrize("method", METHODS)
def test_no_answer_in_time_is_no_decline_the_order_waits(late_orders: LateOrders, method: str) -> None:
    late = late_orders.orders[method]

    order = expect(late.answer, 202)

    assert order["status"] == "payment_pending"
    assert order["total"] == TOTAL
    assert late.answer.headers["location"].endswith(f"/orders/{order['id']}")
    assert late.answer.elapsed.total_seconds() < 4  # the provider has 2 s, the call between services 3 s


def test_a_webhook_settles_a_timeout_before_any_loop_looks(shop: Shop, late_orders: LateOrders) -> None:
    late = late_orders.orders["pm_timeout"]

    order = late.customer.order_becomes(late.id, "confirmed", within_s=10)

    assert order["total"] == TOTAL
    charge = shop.provider.charge(late.id)
    assert charge is not None
    assert (charge["status"], charge["attempts"]) == ("captured", 1)


def test_a_late_decline_rejects_the_order_and_gives_the_stock_back(shop: Shop, late_orders: LateOrders) -> None:
    late = late_orders.orders["pm_late_decline"]

    order = late.customer.order_becomes(late.id, "rejected", within_s=10)

    assert order["reason"] == "payment_declined"
    until("the stock is back", lambda: shop.available(late.sku) == 5)
    late.customer.is_told(late.id, "payment_pending")
    late.customer.is_told(late.id, "order_rejected")
    assert expect(late.customer.get(f"/payments/{order['payment_id']}"), 200)["status"] == "declined"


@pytest.mark.parametrize("method", ["pm_timeout_silent", "pm_lost"])
def test_a_loop_asks_again_with_the_same_key_and_takes_the_money_once(
    shop: Shop, late_orders: LateOrders, method: str
) -> None:
    late = late_orders.orders[method]

    late.customer.order_becomes(late.id, "confirmed", within_s=SETTLED_BY_LOOP_S)

    charge = shop.provider.charge(late.id)
    assert charge is not None
    assert (charge["status"], charge["amount"], charge["attempts"]) == ("captured", TOTAL["amount"], 2)
    assert shop.available(late.sku) == 5 - QUANTITY


@pytest.mark.parametrize("method", ["pm_timeout", "pm_timeout_silent", "pm_lost"])
def test_the_customer_is_told_of_the_wait_and_of_the_end(late_orders: LateOrders, method: str) -> None:
    late = late_orders.orders[method]
    late.customer.order_becomes(late.id, "confirmed", within_s=SETTLED_BY_LOOP_S)

    late.customer.is_told(late.id, "payment_pending")
    late.customer.is_told(late.id, "order_confirmed")

    kinds = sorted(note["kind"] for note in late.customer.notifications(late.id))
    assert kinds == ["order_confirmed", "payment_pending"]


@pytest.mark.parametrize("method", ["pm_timeout", "pm_timeout_silent", "pm_lost"])
def test_the_key_of_a_late_order_answers_201_once_it_is_confirmed(late_orders: LateOrders, method: str) -> None:
    late = late_orders.orders[method]
    confirmed = late.customer.order_becomes(late.id, "confirmed", within_s=SETTLED_BY_LOOP_S)

    first, second = late.retry(), late.retry()

    assert expect(first, 201) == confirmed
    assert first.content == second.content
    assert first.headers["idempotent-replayed"] == "true"


def test_the_key_of_a_late_decline_answers_402(late_orders: LateOrders) -> None:
    late = late_orders.orders["pm_late_decline"]
    late.customer.order_becomes(late.id, "rejected", within_s=10)

    first, second = late.retry(), late.retry()

    expect_problem(first, 402, "payment_declined")
    assert first.content == second.content


def test_a_late_order_can_be_cancelled_once_it_is_confirmed(shop: Shop, late_orders: LateOrders) -> None:
    late = late_orders.orders["pm_timeout"]
    late.customer.order_becomes(late.id, "confirmed", within_s=10)

    expect(late.customer.cancel(late.id), 200)

    until("the stock is back", lambda: shop.available(late.sku) == 5)
    charge = shop.provider.charge(late.id)
    assert charge is not None
    assert [refund["amount"] for refund in charge["refunds"]] == [TOTAL["amount"]]
