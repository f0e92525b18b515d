"""What is a bound, and what breaks it."""

from __future__ import annotations

import pytest

from loadtests.load.bounds import BadBound, Bound, Figures, broken, of_summary
from loadtests.load.generator.record import Row, Tally
from loadtests.load.users.traffic import MIXES, ROWS

FIGURES = {
    "": Figures(1000, 0.002, lambda percent: 10 * percent),
    "POST /orders": Figures(50, 0.0, lambda percent: 2 * percent),
}


@pytest.mark.parametrize(
    ("text", "breach"),
    [
        ("p99>990ms", ""),
        ("p99>0.9s", "p99>0.9s: 990 ms, 1000 requests"),
        ("p50(order)>99ms", "p50(order)>99ms: 100 ms, 50 requests"),
        ("p50(POST /orders)>99ms", "p50(POST /orders)>99ms: 100 ms, 50 requests"),
        ("p99.9 ( order ) > 200ms", ""),
        ("errors>0.2%", ""),
        ("errors>0.1%", "errors>0.1%: 0.20% of 1000"),
        ("errors(order)>0%", ""),
        ("p99(ordr)>1s", "p99(ordr)>1s: nothing was measured of ordr; there were POST /orders"),
    ],
)
def test_a_bound_is_broken_by_more_than_it_says_and_by_nothing_at_all(text: str, breach: str) -> None:
    assert "".join(broken([text], FIGURES)) == breach


@pytest.mark.parametrize("text", ["p99", "p99>250", "p99>1%", "errors>250ms", "p101>1s", "p99<1s", "latency>1s"])
def test_what_is_no_bound_is_refused(text: str) -> None:
    with pytest.raises(BadBound, match="want 'p99>250ms'"):
        Bound.parse(text)


def test_a_generators_summary_is_read_by_journey() -> None:
    tally = Tally()
    for number, outcome in enumerate(("ok", "error", "unanswered", "business")):
        tally.add(Row(number, 0.0, 0.0, 100.0, 100.0, "order", "POST /orders", 0, "", outcome))  # type: ignore[arg-type]

    figures = of_summary({"tally": tally.encode()})

    assert figures["order"].error_share == figures[""].error_share == 0.5
    assert broken(["errors(order)>50%", "p50(order)>99ms"], figures) == ["p50(order)>99ms: 100 ms, 4 requests"]


def test_every_journey_of_a_mix_has_a_row() -> None:
    assert {journey for mix in MIXES.values() for journey in mix.weights} <= ROWS.keys()
