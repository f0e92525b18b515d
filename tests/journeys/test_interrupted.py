"""The provider hangs or fails: nobody waits for long, nobody pays twice, and loops finish what was begun."""

from __future__ import annotations

import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.interrupted import PRICE, REFUND, Interrupted
from tests.journeys.shop import Shop
from tests.journeys.waiting import until

pytestmark = pytest.mark.settlement

FINISHED_S = 30.0


@pytest.mark.parametrize("name", ["order while it hangs", "order while it fails"])
def test_an_order_is_accepted_while_the_provider_gives_no_answer(interrupted: Interrupted, name: str) -> None:
    order = expect(interrupted.answers[name], 202)

    assert order["status"] == "payment_pending"


@pytest.mark.parametrize("name", ["order while it hangs", "order while it fails"])
def test_it_is_confirmed_when_the_provider_is_back_and_charged_once(
    shop: Shop, interrupted: Interrupted, name: str
) -> None:
    order_id = interrupted.order_id(name)

    order = interrupted.customer.order_becomes(order_id, "confirmed", within_s=FINISHED_S)

    charge = shop.provider.charge(order_id)
    assert charge is not None
    assert (charge["status"], charge["amount"]) == ("captured", order["total"]["amount"])
    assert expect(interrupted.again(name), 201) == order


def test_a_cancellation_without_an_answer_is_under_way(interrupted: Interrupted) -> None:
    order = expect(interrupted.answers["cancel while it hangs"], 202)

    assert (order["id"], order["status"]) == (interrupted.to_cancel["id"], "cancelling")


def test_a_cancellation_under_way_ends_with_one_refund(shop: Shop, interrupted: Interrupted) -> None:
    order_id = interrupted.to_cancel["id"]

    cancelled = interrupted.customer.order_becomes(order_id, "cancelled", within_s=FINISHED_S)

    charge = shop.provider.charge(order_id)
    assert charge is not None
    assert [refund["amount"] for refund in charge["refunds"]] == [PRICE]
    assert expect(interrupted.customer.cancel(order_id), 200) == cancelled
    interrupted.customer.is_told(order_id, "order_cancelled")


def test_a_refund_without_an_answer_is_told_as_unknown(interrupted: Interrupted) -> None:
    expect_problem(interrupted.answers["refund while it hangs"], 504, "deadline_exceeded")


def test_a_refund_with_unknown_outcome_is_finished_and_its_key_tells(shop: Shop, interrupted: Interrupted) -> None:
    answer = until(
        "the refund is known",
        lambda: (again := interrupted.again("refund while it hangs")).status_code == 200 and again,
        within_s=FINISHED_S,
    )

    refund = expect(answer, 200)
    assert (refund["status"], refund["amount"]["amount"]) == ("refunded", REFUND)
    assert interrupted.again("refund while it hangs").content == answer.content
    charge = shop.provider.charge(interrupted.to_refund["id"])
    assert charge is not None
    assert [each["amount"] for each in charge["refunds"]] == [REFUND]
    assert interrupted.customer.payment(interrupted.to_refund["payment_id"])["refunded"]["amount"] == REFUND


def test_the_stock_is_right_in_the_end(shop: Shop, interrupted: Interrupted) -> None:
    for name in ("order while it hangs", "order while it fails"):
        interrupted.customer.order_becomes(interrupted.order_id(name), "confirmed", within_s=FINISHED_S)

    # Ten, less the refunded one, which was not returned, less one and two that were late; the cancelled one is back.
    until("the stock is right", lambda: shop.available(interrupted.sku) == 6, within_s=FINISHED_S)
