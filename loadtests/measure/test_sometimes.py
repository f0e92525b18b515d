"""What was never met is named, build by build, and counted from what the run left behind."""

from __future__ import annotations

from loadtests.measure import sometimes
from loadtests.measure.books import Attempt, Books, OrderRow, ReservationRow
from loadtests.measure.sometimes import Evidence

LOST = OrderRow("order-1", "ada", "rejected", 500, "EUR", "payment-1", "payment_voided", "key-1")
LATE = OrderRow("order-2", "ada", "confirmed", 500, "EUR", "payment-2", None, "key-2")


def test_a_run_without_anything_met_nothing() -> None:
    for build in ("monolith", "microservices"):
        counts = sometimes.met(build, Evidence(Books(build, ""), {}, {}))

        assert sometimes.never(counts) == list(counts)


def test_what_was_met_is_counted_from_books_points_and_answers() -> None:
    books = Books(
        "microservices",
        "",
        attempts=(
            Attempt("order", "ada", "key-1", 202, order_id="order-1"),
            Attempt("order", "ada", "key-2", 202, order_id="order-2"),
            Attempt("order", "ada", "key-3", 0),
        ),
        orders=(LOST, LATE),
        reservations=(
            ReservationRow("order-1", "sku", 1, "released"),
            ReservationRow("order-3", None, None, "tombstone"),
        ),
    )
    passed = sometimes.count_points(["breaker.opened\n", "order.placed\n", "order.placed\n"])
    answers = {("last_unit", 201, ""): 3, ("last_unit", 409, "out_of_stock"): 2}

    counts = sometimes.met("microservices", Evidence(books, passed, answers))

    assert counts["answer: payment pending"] == 2
    assert counts["answer: none"] == 1
    assert counts["compensation: charge voided"] == 1
    assert counts["recovery: charge sent again and captured"] == 1
    assert counts["compensation: reservation released"] == 1
    assert counts["compensation: release before the reservation (tombstone)"] == 1
    assert counts["breaker: opened"] == 1
    assert counts["failpoint: order.placed"] == 2
    assert counts["refusal: out of stock"] == 2
    assert "refusal: price changed" in sometimes.never(counts)


def test_the_monolith_has_neither_events_nor_breaker() -> None:
    services, monolith = (
        sometimes.met(build, Evidence(Books(build, ""), {}, {})) for build in ("microservices", "monolith")
    )

    assert {name for name in services if name not in monolith} == {
        "compensation: release before the reservation (tombstone)",
        "compensation: order called off",
        "breaker: opened",
        "breaker: probed",
        "breaker: closed",
        "failpoint: outbox.published",
        "failpoint: inbox.applied",
    }
    assert set(monolith) < set(services)
