"""S10: a price that was not true is found, and so is a total that was not expected; whatever was possible is not."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from loadtests.measure.books import Attempt, Books, OrderRow, ProductChange, Read, ReservationRow
from loadtests.measure.prices import prices_were_true_when_charged

ORDER, CHAIR = "id-1", "CRUNCHY-CHAIR"
NAMED = {"amount": 500, "currency": "EUR"}


def read(sent_at: float, answered_at: float, body: dict[str, Any]) -> Read:
    return Read(sent_at, answered_at, "ada", body)


def chair(price: int) -> dict[str, Any]:
    """The answer to GET /products/CRUNCHY-CHAIR."""
    return {"sku": CHAIR, "available": 9, "price": {"amount": price, "currency": "EUR"}}


def bought(sent_at: float, answered_at: float, price: int = 250, expected: Any = None, status: int = 201) -> Attempt:
    """The answer to POST /orders for two chairs."""
    line = {"sku": CHAIR, "quantity": 2, "unit_price": {"amount": price, "currency": "EUR"}}
    body = json.dumps({"id": ORDER, "lines": [line], "total": {"amount": 2 * price, "currency": "EUR"}})
    code = "price_changed" if status == 409 else ""
    return Attempt(
        "order", "ada", "k", status, code, ORDER, ((CHAIR, 2),), body, {"expected_total": expected} if expected else {},
        sent_at=sent_at, answered_at=answered_at,
    )  # fmt: skip


def priced(sent_at: float, answered_at: float, price: int) -> ProductChange:
    return ProductChange("price", CHAIR, price, sent_at, answered_at)


def books(*attempts: Attempt, **fields: Any) -> Books:
    return Books("testshop", "example", attempts=attempts, **fields)


def row(total: int) -> Books:
    """An order of two chairs whose answer nobody saw, at this total."""
    order = OrderRow(ORDER, "ada", "confirmed", total, "EUR", "pay-1", None, "k")
    held = ReservationRow(ORDER, CHAIR, 2, "sold")
    return books(bought(5, 6, status=0), orders=(order,), reservations=(held,))


@pytest.mark.parametrize(("price", "is_fine"), [(250, True), (300, True), (200, False), (1, False)])
def test_a_price_was_true_at_some_moment_of_the_request(price: int, is_fine: bool) -> None:
    reads = read(0, 1, chair(200)), read(2, 3, chair(250)), read(9, 10, chair(300)), read(11, 12, chair(1))

    charged = books(bought(5, 6, price), reads=reads)

    assert (prices_were_true_when_charged(charged).violations == []) == is_fine


def test_a_price_that_was_shown_during_the_request_was_true() -> None:
    reads = read(0, 1, chair(200)), read(5.2, 5.4, chair(250)), read(9, 10, chair(300))

    charged = books(bought(5, 6), reads=reads)

    assert prices_were_true_when_charged(charged).violations == []


def test_of_reads_that_overlap_either_may_have_been_the_last_before_an_order() -> None:
    reads = read(0, 3, chair(200)), read(1, 2, chair(250)), read(7, 10, chair(100)), read(8, 9, chair(300))

    for price in (200, 250, 300, 100):
        charged = books(bought(5, 6, price), reads=reads)

        assert prices_were_true_when_charged(charged).violations == [], price


# What the load itself set: 200 from before the load on, 250 at second 2, 300 at second 9.
SET = priced(0, 1, 200), priced(2, 3, 250), priced(9, 10, 300)


@pytest.mark.parametrize(
    ("sent_at", "answered_at", "possible"),
    [(5, 6, {250}), (1.5, 1.8, {200}), (2.5, 4, {200, 250}), (4, 9.5, {250, 300}), (1, 20, {200, 250, 300}),
     (11, 12, {300})],
)  # fmt: skip
def test_a_price_that_the_load_set_is_true_from_some_moment_of_its_request_to_the_next(
    sent_at: float, answered_at: float, possible: set[int]
) -> None:
    fine = {
        price
        for price in (200, 250, 300)
        if not prices_were_true_when_charged(books(bought(sent_at, answered_at, price), changes=SET)).violations
    }

    assert fine == possible


def test_a_price_that_was_there_before_anything_was_known_is_not_guessed() -> None:
    early = books(bought(0.9, 1.99, 123), changes=(priced(2, 3, 250),))

    assert prices_were_true_when_charged(early).looked_at == 0


def test_a_change_that_nobody_answered_may_come_at_any_time() -> None:
    lost = (*SET, priced(3.5, math.inf, 100))

    assert prices_were_true_when_charged(books(bought(5, 6, 100), changes=lost)).violations == []
    assert prices_were_true_when_charged(books(bought(3, 3.2, 100), changes=lost)).violations != []


def test_a_repeated_request_is_charged_what_was_true_at_the_first() -> None:
    repeated = books(bought(1.5, 1.8, 200), bought(12, 13, 200), changes=SET)

    assert prices_were_true_when_charged(repeated).violations == []


def test_an_order_that_was_never_answered_has_a_total_that_was_true_at_some_time_since() -> None:
    right, stale = replace(row(600), changes=SET), replace(row(400), changes=SET)

    assert prices_were_true_when_charged(right).violations == []
    (violation,) = prices_were_true_when_charged(stale).violations
    assert (violation.about, violation.seen) == (ORDER, "a total of 400")
    assert violation.expected == "one of [500, 600], which were true then"


def test_a_total_that_was_not_expected_is_found() -> None:
    changes = priced(0, 1, 200), priced(4, 7, 250)

    honoured = books(bought(5, 6, 250, NAMED), changes=changes)
    ignored = books(bought(5, 6, 200, NAMED), changes=changes)

    assert prices_were_true_when_charged(honoured).violations == []
    (violation,) = prices_were_true_when_charged(ignored).violations
    assert violation.expected == f"{NAMED}, as was expected, or a refusal"


@pytest.mark.parametrize(
    ("price", "expected", "is_fine"),
    [(250, {"amount": 400, "currency": "EUR"}, True), (250, NAMED, False), (250, None, False),
     (250, {"amount": 500, "currency": "USD"}, True), (200, NAMED, False)],
    ids=["changed", "as expected", "nothing was expected", "another currency", "a price of before"],
)  # fmt: skip
def test_a_refusal_tells_another_total_and_one_that_was_true(price: int, expected: Any, is_fine: bool) -> None:
    refused = books(bought(5, 6, price, expected, status=409), changes=SET)

    verdict = prices_were_true_when_charged(refused)

    assert verdict.looked_at > 0
    assert (verdict.violations == []) == is_fine


def test_what_nobody_repriced_costs_what_the_catalog_says() -> None:
    assert prices_were_true_when_charged(replace(row(500), prices={CHAIR: 250})).violations == []
    assert prices_were_true_when_charged(replace(row(400), prices={CHAIR: 250})).violations != []
