"""Cancel an order: the money goes back, and so do the goods."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop
from tests.journeys.waiting import until


@pytest.mark.core
def test_cancelling_gives_back_the_money_and_the_goods_once(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks(stock=5, price=19_900)
    order = customer.buy((armchair, 2))

    cancelled = expect(customer.cancel(order["id"]), 200)

    assert cancelled == customer.order(order["id"])
    assert cancelled["status"] == "cancelled"
    assert {**cancelled, "status": "confirmed", "updated_at": order["updated_at"]} == order
    until("the goods are back", lambda: shop.available(armchair) == 5)
    assert customer.payment(order["payment_id"])["refunded"] == {"amount": 39_800, "currency": "EUR"}
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert [refund["amount"] for refund in charge["refunds"]] == [39_800]


@pytest.mark.core
def test_cancelling_twice_answers_the_same_and_refunds_once(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))
    first = customer.cancel(order["id"])

    second = customer.cancel(order["id"])

    assert expect(second, 200) == expect(first, 200)
    assert second.content == first.content
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert len(charge["refunds"]) == 1


def test_ten_cancellations_at_once_refund_once(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks(stock=3)
    order = customer.buy((armchair, 1))

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: customer.cancel(order["id"]), range(10)))

    assert {answer.status_code for answer in answers} <= {200, 202}
    assert 200 in {answer.status_code for answer in answers}
    customer.order_becomes(order["id"], "cancelled")
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert len(charge["refunds"]) == 1
    until("the goods are back", lambda: shop.available(armchair) == 3)


@pytest.mark.core
def test_a_rejected_order_cannot_be_cancelled(admin: Admin, customer: Customer) -> None:
    expect_problem(customer.place_order((admin.stocks(), 1), payment_method="pm_declined"), 402, "payment_declined")
    order = customer.orders()[0]

    expect_problem(customer.cancel(order["id"]), 409, "not_cancellable")


def test_a_sold_out_product_can_be_bought_again_after_a_cancellation(
    shop: Shop, admin: Admin, customer: Customer
) -> None:
    chess_set = admin.stocks("LAST-CHESS-SET", stock=1)
    order = customer.buy((chess_set, 1))
    neighbour = shop.customer("patient-paula")
    expect_problem(neighbour.place_order((chess_set, 1)), 409, "out_of_stock")

    expect(customer.cancel(order["id"]), 200)

    until("the chess set is back", lambda: shop.available(chess_set) == 1)
    neighbour.buy((chess_set, 1))


@pytest.mark.core
def test_an_order_that_is_not_there_cannot_be_cancelled(customer: Customer) -> None:
    expect_problem(customer.cancel("0197a3b2-0000-7000-8000-000000000000"), 404, "not_found")
    expect_problem(customer.cancel("no-order"), 404, "not_found")
