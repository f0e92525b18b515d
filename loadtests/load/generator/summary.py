"""The figures of one run, merged from one or more processes, as plain values for a JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.load.generator.open_loop import Progress
from loadtests.load.generator.record import FAILED, Tally
from loadtests.load.generator.watch import void_reasons


@dataclass(frozen=True)
class Effort:
    """What the generator did, and how hard it was for it. Of several processes: sums, and the worst of the rest."""

    progress: Progress
    cpu_share: float
    cpu_share_max: float
    duration_s: float


def figures(
    tally: Tally, orders: Mapping[str, int], effort: Effort, more_reasons: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the figures of a run. Latencies and outcomes leave the warm-up out; due, sent and orders are all."""
    whole = tally.whole()
    count = whole.latency.count
    progress = effort.progress
    reasons = list(more_reasons) + void_reasons(
        due=progress.due,
        sent=progress.sent,
        cpu_share=effort.cpu_share,
        lag_p99_ms=tally.lag.percentile(99),
    )
    return {
        "void": bool(reasons),
        "void_reasons": reasons,
        "scheduled": progress.due,
        "sent": progress.sent,
        "not_sent": progress.not_sent,
        "too_late": progress.too_late,
        "achieved": progress.sent / progress.due if progress.due else 0.0,
        "duration_s": effort.duration_s,
        "rate_achieved": count / effort.duration_s if effort.duration_s > 0 else 0.0,
        "generator": {
            "cpu_share": effort.cpu_share,
            "cpu_share_max": effort.cpu_share_max,
            "lag_ms": tally.lag.summary(),
            "most_in_flight": progress.most_in_flight,
        },
        "requests": count,
        "outcomes": dict(whole.outcomes),
        "error_share": sum(whole.outcomes[outcome] for outcome in FAILED) / count if count else 0.0,
        "latency_ms": whole.latency.summary(),
        "service_ms": whole.service.summary(),
        "by_journey": {name: journey.summary() for name, journey in sorted(tally.journeys.items())},
        "orders": {name: n for name, n in orders.items() if not name.startswith("measured_")},
        "orders_confirmed": orders.get("measured_confirmed", 0),
        "orders_confirmed_with_warm_up": orders.get("confirmed", 0),
        "curve_ms": whole.latency.curve(),
        "tally": tally.encode(),
    }
