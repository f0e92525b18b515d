"""The rows of a result: what spoils a run is said, and what is not spoilt by it stays."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.engine import rows
from loadtests.engine.arm import Measured
from loadtests.measure.accounting import Reading, Spent

WAITS = {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0}


def measured(*, late: bool = False, orders: int = 4, restarted: tuple[str, ...] = ()) -> Measured:
    """A load of four seconds in which `orders` were confirmed and 20 ms of CPU were used."""
    summary: dict[str, Any] = {
        "void": late, "void_reasons": ["requests left late"] if late else [], "rate_target": 2.0, "rate_achieved": 1.0,
        "orders_confirmed": orders, "outcomes": {"ok": orders}, "error_share": 0.0, "duration_s": 4.0,
        "latency_ms": WAITS, "by_journey": {"order": {"latency_ms": WAITS, "count": orders}},
        "tally": {"journeys": {"order": {"latency": "HIST"}}},
    }  # fmt: skip
    after = Reading(0.0, {"web": 1.0}, {"web": 0}, {"web": 50.0}, "pss")
    return Measured(summary, Spent(4.0, {"web": 20.0}, restarted), after, {})


def test_a_late_generator_spoils_the_waits_of_a_slice_and_not_its_cpu() -> None:
    late, in_time = (rows.of_slice(1, "monolith", "order", 1, 2.0, measured(late=late)) for late in (True, False))

    assert (late["latency_ms"], late.get("histograms")) == (None, None)
    assert in_time["latency_ms"] == WAITS
    assert late["cpu_ms_per_order"] == in_time["cpu_ms_per_order"] == 5.0
    assert not late["void"]


@pytest.mark.parametrize(
    ("spoilt", "reason"), [({"orders": 0}, "nothing was done"), ({"restarted": ("web",)}, "web was restarted")]
)
def test_a_slice_of_nothing_or_with_a_restart_is_void_and_says_why(spoilt: dict[str, Any], reason: str) -> None:
    run = rows.of_slice(1, "monolith", "order", 1, 2.0, measured(**spoilt))

    assert run["void"]
    assert run["void_reasons"] == [reason]
