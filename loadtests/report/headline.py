"""The leading figure of a claim: what one would tell somebody else first, by arm, with intervals where there are any.

An experiment that answers a claim holds it as `HEADLINE`, a function of its result, beside its `PLOTS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from loadtests.report.result import Ratio, Result
from loadtests.report.words import build_name, interval, number, plural

Z = 1.96  # of a two-sided 95 % interval


@dataclass(frozen=True)
class Value:
    """A figure of an arm, with its 95 % interval if it has one. `label` replaces the arm's name."""

    arm: str
    value: float
    low: float | None = None
    high: float | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """Whose it is, as a person would write it."""
        return self.label or build_name(self.arm)


@dataclass(frozen=True)
class Headline:
    """`what` was measured, in `unit` (%, ms, times, ...), of whom; `basis`: how many requests, rounds or runs."""

    what: str
    unit: str
    values: tuple[Value, ...]
    basis: str

    def text_of(self, value: float) -> str:
        """Return a figure with its unit: `38.2 ms`, `100 %`."""
        digits = f"{value:.1f}".removesuffix(".0") if self.unit == "%" and value else number(value, 2)
        return f"{digits} {self.unit}".strip()

    def interval(self, value: Value) -> str:
        """Return an interval in words; that there is none, too, and that it is too wide to tell anything."""
        if value.low is None or value.high is None:
            return "no interval"
        if self.unit == "times":
            return interval({"ratio": value.value, "low": value.low, "high": value.high})
        return f"{self.text_of(value.low).removesuffix(self.unit).strip()} to {self.text_of(value.high)}"

    def share(self, value: Value) -> float:
        """Return how long its bar is, from 0 to 100: of the largest figure, or of all where shares are told."""
        largest = max(one.value for one in self.values)
        longest = 100.0 if self.unit == "%" and largest > 20 else largest
        return round(100 * value.value / longest, 1) if longest else 0.0


Lead = Callable[[Result], Headline | None]  # None: this result has nothing of it


def share_of(arm: str, count: int, total: int, label: str = "") -> Value:
    """Return a share in per cent with its interval.

    Source: Wilson, 'Probable inference, the law of succession, and statistical inference', JASA 22 (1927).
    """
    share, spread = count / total, Z * Z / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / total + spread / total / 4) / (1 + spread)
    # A zero and a whole are within their own intervals, whatever rounding says.
    low, high = (0.0 if not count else middle - half), (1.0 if count == total else middle + half)
    return Value(arm, 100 * share, 100 * low, 100 * high, label)


def ratios(result: Result, what: str, named: Mapping[str, str]) -> Headline | None:
    """Return ratios of a comparison as a headline; `named` are their keys by label. None if one of them is missing."""
    figures: Mapping[str, Ratio] = result.get("comparison", {})
    if not all(key in figures for key in named.values()):
        return None
    rows = {label: figures[key] for label, key in named.items()}
    values = tuple(
        Value(row.get("b", label), row["ratio"], row["low"], row["high"], label) for label, row in rows.items()
    )
    rounds = plural(min(row.get("pairs", 1) for row in rows.values()), "round")
    return Headline(what, "times", values, f"Over {rounds}; intervals of 95 %.")


def single(what: str, unit: str, values: Iterable[tuple[str, float | None]], basis: str) -> Headline | None:
    """Return figures without intervals, by arm, as a headline. None if there are none, or one of them is missing."""
    pairs = list(values)
    known = tuple(Value(arm, value) for arm, value in pairs if value is not None)
    return Headline(what, unit, known, basis) if known and len(known) == len(pairs) else None
