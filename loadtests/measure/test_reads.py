"""Histories in the right order keep the promises about reads, and each kind of wrong one breaks its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from loadtests.measure.books import Attempt, Books, OrderRow, Read, StockRow
from loadtests.measure.reads import (
    order_reads_never_go_backwards,
    stock_is_never_shown_above_what_was_there,
)

ORDER, CHAIR = "id-1", "CRUNCHY-CHAIR"


def read(sent_at: float, answered_at: float, body: dict[str, Any]) -> Read:
    return Read(sent_at, answered_at, "ada", body)


def own(status: str) -> dict[str, Any]:
    """What GET /orders shows."""
    return {"items": [{"id": ORDER, "status": status}]}


def chair(available: int) -> dict[str, Any]:
    """What GET /products/CRUNCHY-CHAIR shows."""
    return {"sku": CHAIR, "available": available}


def bought(sent_at: float, answered_at: float) -> Attempt:
    """The answer to POST /orders for two chairs."""
    body = json.dumps({"id": ORDER, "status": "confirmed"})
    lines = ((CHAIR, 2),)
    return Attempt("order", "ada", "k", 201, "", ORDER, lines, body, sent_at=sent_at, answered_at=answered_at)


def books(*reads: Read, attempts: tuple[Attempt, ...] = ()) -> Books:
    """A shop that had ten chairs and got two more, of which this order took two."""
    order = OrderRow(ORDER, "ada", "confirmed", 500, "EUR", "pay-1", None, "k")
    stock = StockRow(CHAIR, 10, 2, 10, 0, 2)
    return Books("testshop", "example", attempts=attempts, reads=reads, orders=(order,), stock=(stock,))


@pytest.mark.parametrize(
    ("earlier", "later", "is_fine"),
    [
        ("payment_pending", "confirmed", True),
        ("confirmed", "confirmed", True),
        ("confirmed", "payment_pending", False),
        ("cancelled", "payment_pending", False),
        ("cancelled", "confirmed", False),
        ("rejected", "payment_pending", False),
    ],
)
def test_an_order_is_not_shown_in_an_earlier_state_than_before(earlier: str, later: str, is_fine: bool) -> None:
    verdict = order_reads_never_go_backwards(books(read(1, 2, own(earlier)), read(3, 4, own(later))))

    assert (verdict.violations == []) == is_fine
    assert verdict.looked_at > 0


def test_reads_that_overlap_may_be_answered_in_any_order() -> None:
    overlapping = books(read(1, 4, own("confirmed")), read(2, 5, own("payment_pending")))

    assert order_reads_never_go_backwards(overlapping).violations == []


def test_a_read_after_the_answer_to_an_order_shows_no_earlier_state() -> None:
    stale = books(read(3, 4, own("payment_pending")), attempts=(bought(1, 2),))

    (violation,) = order_reads_never_go_backwards(stale).violations
    assert violation.seen == "shown payment_pending after confirmed"


def test_a_replay_of_an_answer_is_no_step_back() -> None:
    replayed = books(read(1, 2, own("cancelled")), attempts=(bought(3, 4),))

    assert order_reads_never_go_backwards(replayed).violations == []


@pytest.mark.parametrize(
    ("sent_at", "available", "is_fine"),
    [(0, 12, True), (0, 13, False), (0, -1, False), (1.5, 12, True), (3, 12, False), (3, 10, True)],
    ids=["all", "too many", "negative", "not yet answered", "sold before", "what is left"],
)
def test_stock_is_not_shown_above_what_was_there(sent_at: float, available: int, is_fine: bool) -> None:
    shop = books(read(sent_at, sent_at + 0.5, chair(available)), attempts=(bought(1, 2),))

    assert (stock_is_never_shown_above_what_was_there(shop).violations == []) == is_fine


def test_what_was_sold_and_cancelled_later_may_be_shown_again() -> None:
    shop = books(read(3, 4, chair(12)), attempts=(bought(1, 2),))
    cancelled = replace(shop, orders=(replace(shop.orders[0], status="cancelled"),))

    assert stock_is_never_shown_above_what_was_there(cancelled).violations == []
