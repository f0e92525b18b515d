"""What a fault did to each journey: availability by content, latency before and during, and the way back. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from loadtests.load.generator.record import FAILED, Row

# What a customer does, and which journeys of the load that is.
ACTS: dict[str, tuple[str, ...]] = {
    "browse": ("list", "category", "categories", "product"),
    "search": ("search",),
    "buy": ("order",),
    "order history": ("own_orders",),
    "cancel": ("cancel",),
    "notifications": ("notifications",),
}
NO_PAYMENT = ("browse", "search", "order history", "notifications")  # acts for which nobody asks payments
ACT_OF = {journey: act for act, journeys in ACTS.items() for journey in journeys}
LEAST_FOR_P99 = 100  # below that, one slow request in a hundred is not there to be seen: there is no p99
SETTLES_S = 1.0  # what was sent just before a fault may meet it: it belongs to neither window


@dataclass(frozen=True)
class FaultWindow:
    """A fault as it happened, in seconds from the measured start: being injected, in force, being healed, healed."""

    name: str
    began_s: float
    broken_s: float
    healing_s: float
    healed_s: float


@dataclass(frozen=True)
class Effect:
    """What became of one act. Shares are of requests; latencies in ms from due.

    None where nothing was asked, or for a p99 too little.
    """

    asked_before: int
    asked_during: int
    available_before: float | None
    available_during: float | None
    p50_before_ms: float | None
    p50_during_ms: float | None
    p99_before_ms: float | None
    p99_during_ms: float | None
    answers_during: dict[str, int]


@dataclass(frozen=True)
class Impact:
    """One fault in one run. Seconds from the moment at which it was healed; None: not before the run ended."""

    fault: str
    lasted_s: float
    healing_took_s: float
    acts: dict[str, Effect]
    no_payment: Effect  # of all acts together that need no payment
    confirmed_during: float | None  # share of orders that were answered 201
    first_good_order_s: float | None
    all_good_s: float
    failed_after: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in result.json."""
        return asdict(self)


def impact_of(rows: Sequence[Row], window: FaultWindow, *, calm_from_s: float = 0.0, until_s: float = 1e9) -> Impact:
    """Return what this fault did. `calm_from_s` is when the calm before it began, `until_s` the end or the next."""
    before = _due(rows, calm_from_s, window.began_s - SETTLES_S)
    during = _due(rows, window.broken_s, window.healing_s)
    after = _due(rows, window.healed_s, until_s)
    orders = [row for row in during if row.journey == "order"]
    back = [
        row.due_s + row.latency_ms / 1000 - window.healed_s
        for row in _due(rows, window.healing_s, until_s)
        if row.journey == "order" and row.code == "confirmed"
    ]
    failed = [row.due_s for row in after if row.outcome in FAILED]
    return Impact(
        fault=window.name,
        lasted_s=window.healing_s - window.broken_s,
        healing_took_s=window.healed_s - window.healing_s,
        acts={act: _effect(_of(before, act), _of(during, act)) for act in ACTS},
        no_payment=_effect(_of(before, *NO_PAYMENT), _of(during, *NO_PAYMENT)),
        confirmed_during=_share(orders, [row for row in orders if row.code == "confirmed"]),
        first_good_order_s=max(min(back), 0.0) if back else None,
        all_good_s=max(failed) - window.healed_s if failed else 0.0,
        failed_after=len(failed),
    )


def _effect(before: list[Row], during: list[Row]) -> Effect:
    return Effect(
        asked_before=len(before),
        asked_during=len(during),
        available_before=_share(before, [row for row in before if row.outcome not in FAILED]),
        available_during=_share(during, [row for row in during if row.outcome not in FAILED]),
        p50_before_ms=_percentile(before, 50),
        p50_during_ms=_percentile(during, 50),
        p99_before_ms=_percentile(before, 99),
        p99_during_ms=_percentile(during, 99),
        answers_during=dict(Counter(f"{row.status} {row.code}".strip() for row in during)),
    )


def _due(rows: Sequence[Row], from_s: float, to_s: float) -> list[Row]:
    return [row for row in rows if max(from_s, 0.0) <= row.due_s < to_s]


def _of(rows: list[Row], *acts: str) -> list[Row]:
    return [row for row in rows if ACT_OF.get(row.journey) in acts]


def _share(of: Sequence[Row], these: Sequence[Row]) -> float | None:
    return len(these) / len(of) if of else None


def _percentile(rows: list[Row], percent: float) -> float | None:
    """Latency of all requests, the failed ones too: who waits eight seconds for a 504 has waited."""
    if len(rows) < (LEAST_FOR_P99 if percent >= 99 else 1):
        return None
    return float(np.percentile([row.latency_ms for row in rows], percent))
