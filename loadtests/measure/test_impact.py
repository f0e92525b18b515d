"""What a fault did is read from requests alone: by content, in windows that do not touch the fault's edges."""

from __future__ import annotations

import pytest

from loadtests.load.generator.record import Outcome, Row
from loadtests.measure.impact import FaultWindow, impact_of

WINDOW = FaultWindow("payments-killed", began_s=10, broken_s=10.2, healing_s=20, healed_s=21)


def row(due_s: float, journey: str = "list", outcome: Outcome = "ok", latency_ms: float = 10, code: str = "") -> Row:
    """One request."""
    return Row(0, due_s, due_s, latency_ms, latency_ms, journey, journey, 200, code, outcome)


def test_availability_is_counted_while_the_fault_is_in_force() -> None:
    rows = [row(5), row(9.5, outcome="error"), row(12), row(14, outcome="error"), row(20.5, outcome="error"), row(25)]

    browse = impact_of(rows, WINDOW).acts["browse"]

    assert (browse.asked_before, browse.available_before) == (1, 1.0)
    assert (browse.asked_during, browse.available_during) == (2, 0.5)


def test_a_refusal_of_the_shop_is_an_answer_and_no_answer_is_none() -> None:
    rows = [row(12, "order", "business", code="out_of_stock"), row(13, "order", "unanswered")]

    impact = impact_of(rows, WINDOW)

    assert impact.acts["buy"].available_during == 0.5
    assert impact.acts["cancel"].available_during is None
    assert impact.confirmed_during == 0.0


def test_recovery_counts_from_the_healing() -> None:
    rows = [
        row(12, "order", code="payment_pending"),
        row(20.9, "order", code="confirmed", latency_ms=600),
        row(22, "search", "error"),
        row(23, "order", code="confirmed"),
    ]

    impact = impact_of(rows, WINDOW)

    assert impact.first_good_order_s is not None
    assert round(impact.first_good_order_s, 3) == 0.5
    assert (impact.all_good_s, impact.failed_after) == (1.0, 1)
    assert (round(impact.lasted_s, 1), impact.healing_took_s) == (9.8, 1)


def test_no_good_order_before_the_end_is_said() -> None:
    assert impact_of([row(25, "order", "error")], WINDOW).first_good_order_s is None
    assert impact_of([row(25, "order", code="confirmed")], WINDOW, until_s=24).first_good_order_s is None


def test_a_p99_of_a_few_requests_is_none() -> None:
    few = [row(second / 10) for second in range(20, 80)] + [row(12 + second / 10, "search") for second in range(60)]
    many = [row(2 + second / 100, latency_ms=second) for second in range(1, 200)]

    assert impact_of(few, WINDOW).acts["browse"].p99_before_ms is None
    assert impact_of(many, WINDOW).no_payment.p99_before_ms == pytest.approx(197.02)
