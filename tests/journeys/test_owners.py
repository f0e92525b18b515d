"""What belongs to somebody else is not there: the same answer as for what never was."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop

pytestmark = pytest.mark.core

NOBODYS = "0197a3b2-0000-7000-8000-000000000000"


def apart_from_path_and_trace(answer: httpx.Response) -> dict[str, Any]:
    """Return a problem without what must differ between two requests."""
    return expect_problem(answer, 404, "not_found") | {"instance": "", "trace_id": ""}


def test_somebody_elses_order_looks_like_none(shop: Shop, admin: Admin, customer: Customer) -> None:
    order, stranger = customer.buy((admin.stocks(), 1)), shop.customer("nosy-nora")

    theirs = stranger.get(f"/orders/{order['id']}")
    nobodys = stranger.get(f"/orders/{NOBODYS}")

    assert apart_from_path_and_trace(theirs) == apart_from_path_and_trace(nobodys)
    assert stranger.orders() == []


def test_somebody_elses_order_cannot_be_cancelled(shop: Shop, admin: Admin, customer: Customer) -> None:
    order, stranger = customer.buy((admin.stocks(), 1)), shop.customer("nosy-nora")

    theirs = stranger.cancel(order["id"])

    assert apart_from_path_and_trace(theirs) == apart_from_path_and_trace(stranger.cancel(NOBODYS))
    assert customer.order(order["id"])["status"] == "confirmed"


def test_somebody_elses_payment_looks_like_none(shop: Shop, admin: Admin, customer: Customer) -> None:
    order, stranger = customer.buy((admin.stocks(), 1)), shop.customer("nosy-nora")

    theirs = stranger.get(f"/payments/{order['payment_id']}")

    assert apart_from_path_and_trace(theirs) == apart_from_path_and_trace(stranger.get(f"/payments/{NOBODYS}"))


def test_somebody_elses_messages_are_not_mine(shop: Shop, admin: Admin, customer: Customer) -> None:
    order, stranger = customer.buy((admin.stocks(), 1)), shop.customer("nosy-nora")

    customer.is_told(order["id"], "order_confirmed")

    assert stranger.notifications(order["id"]) == []


def test_an_admin_reads_any_order_and_any_payment(admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))

    assert expect(admin.get(f"/orders/{order['id']}"), 200) == order
    assert expect(admin.get(f"/payments/{order['payment_id']}"), 200)["order_id"] == order["id"]


def test_an_admin_does_not_cancel_for_others(admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))

    assert admin.cancel(order["id"]).status_code in {403, 404}
    assert customer.order(order["id"])["status"] == "confirmed"


@pytest.mark.parametrize("order_id", ["1", "NOT-AN-ID", NOBODYS.upper().replace("0000", "ABCD"), "a%2Fb"])
def test_what_is_no_id_is_not_found(customer: Customer, order_id: str) -> None:
    expect_problem(customer.get(f"/orders/{order_id}"), 404, "not_found")
    expect_problem(customer.get(f"/payments/{order_id}"), 404, "not_found")
