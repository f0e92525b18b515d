"""Conditions: how they are written, what they are about, and what is said of one that cannot be read."""

from __future__ import annotations

import pytest

from loadtests.load.conditions import BadCondition, parse
from loadtests.load.generator.record import Outcome, Row


def row(journey: str, latency_ms: float, outcome: Outcome = "ok", code: str = "") -> Row:
    return Row(1, 0.0, 0.0, latency_ms, latency_ms, journey, "", 200, code, outcome)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("browsing p99 < 300 ms", ("browsing", "p99", "<", 300)),
        ("p99(order)>250ms", ("order", "p99", ">", 250)),
        ("orders >= 99 %", ("orders", "answered", ">=", 0.99)),
        ("p99.9 <= 2 s", ("all", "p99.9", "<=", 2000)),
        ("errors < 0.5%", ("all", "errors", "<", 0.005)),
        ("Orders confirmed >  90 %", ("orders", "confirmed", ">", 0.9)),
        ("confirmed(order) > 90 %", ("order", "confirmed", ">", 0.9)),
    ],
)
def test_a_condition_is_read_either_way_round(text: str, expected: tuple[str, str, str, float]) -> None:
    condition = parse(text)

    assert (condition.subject, condition.figure, condition.comparison, condition.bound) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no condition"),
        ("browsing is quick", "is no condition"),
        ("refunds p99 < 300 ms", "nobody sends 'refunds'"),
        ("browsing p99 < 300 %", "compared with ms or s, not %"),
        ("orders >= 99 ms", "compared with %, not ms"),
        ("browsing p99.9.9 < 3 ms", "is no percentile"),
        ("orders >= 101 %", "100 % at most"),
        ("orders > -1 %", "is no condition"),
    ],
)
def test_what_is_no_condition_is_told_what_one_looks_like(text: str, message: str) -> None:
    with pytest.raises(BadCondition, match=message) as refused:
        parse(text)

    assert "at most" in message or "browsing p99 < 300 ms" in str(refused.value)


def test_only_its_own_requests_count_and_failed_ones_have_waited_too() -> None:
    rows = [row("list", 10)] * 99 + [row("product", 9000, "unanswered")] * 3 + [row("order", 99_999)]

    measurement = parse("browsing p99 < 300 ms").measure(rows)

    assert measurement.count == 102
    assert measurement.value == pytest.approx(9000)


def test_a_decline_is_an_answer_and_no_confirmation() -> None:
    rows = [row("order", 5, "ok", "confirmed"), row("order", 5, "business", "payment_declined")]
    rows += [row("order", 5, "ok", "payment_pending"), row("order", 5, "error", "service_unavailable")]

    values = [parse(f"orders {what} > 0 %").measure(rows).value for what in ("answered", "errors", "confirmed")]

    assert values == [0.75, 0.25, 0.25]


@pytest.mark.parametrize(("text", "least"), [("p99 < 1 s", 100), ("p95 < 1 s", 20), ("p50 < 1 s", 2), ("all > 1 %", 1)])
def test_a_percentile_is_not_seen_in_too_few_requests(text: str, least: int) -> None:
    condition = parse(text)

    assert condition.measure([row("list", 1)] * (least - 1)).value is None
    assert condition.measure([row("list", 1)] * least).value is not None
    assert condition.words(None) == "too few requests"
