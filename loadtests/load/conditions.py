"""Conditions on what customers meet, as a person writes them: `browsing p99 < 300 ms`, `p99(order) > 250ms`. Pure.

A condition is FIGURE(SUBJECT) COMPARISON VALUE or SUBJECT FIGURE COMPARISON VALUE. Without a subject all requests are
meant, without a figure the share that was answered: `orders >= 99 %`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loadtests.load.generator.record import FAILED, Row
from loadtests.load.users.traffic import ROWS

BROWSING = ("list", "category", "categories", "product", "search")
# Whose requests are meant: every journey by its own name, and some together.
SUBJECTS: dict[str, tuple[str, ...]] = {
    **{journey: (journey,) for journey in ROWS},
    "all": tuple(ROWS),
    "browsing": BROWSING,
    "orders": ("order",),
}
# Shares are of requests. A refusal that belongs to the shop (out of stock, declined) is an answer; see record.Outcome.
SHARES = {
    "answered": "the share that was answered, be it with a refusal that belongs to the shop",
    "errors": "the share that the shop failed, or did not answer",
    "confirmed": "the share answered with a confirmed order",
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
MILLISECONDS = {"ms": 1.0, "s": 1000.0}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_WORD = r"[a-z_]+"
_FIGURE = rf"p[\d.]+|{'|'.join(SHARES)}"
_WRITTEN = re.compile(
    rf"(?:(?P<figure>{_FIGURE})\s*\(\s*(?P<subject>[^()]+?)\s*\)"
    rf"|(?P<bare>{_FIGURE})|(?P<whose>{_WORD})(?:\s+(?P<what>{_FIGURE}))?)"
    r"\s*(?P<comparison><=|>=|<|>)\s*(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>%|ms|s)",
    re.IGNORECASE,
)
EXAMPLES = "browsing p99 < 300 ms, orders >= 99 %, p99(order) > 250ms, errors < 1 %"


class BadCondition(ValueError):
    """A text that is no condition; the message says what is allowed."""


@dataclass(frozen=True)
class Measurement:
    """What a condition's figure came to: ms, or a share from 0 to 1. `value` is None where `count` is too few."""

    value: float | None
    count: int


@dataclass(frozen=True)
class Condition:
    """A bound on a figure of some requests. `bound` is in ms for a percentile, else a share from 0 to 1."""

    text: str
    subject: str
    figure: str
    comparison: str
    bound: float

    @property
    def percentile(self) -> float | None:
        """The percentile that is meant; None for a share."""
        match = _PERCENTILE.fullmatch(self.figure)
        return float(match[1]) if match else None

    @property
    def least(self) -> int:
        """With fewer requests the figure is not there to be seen: one in a hundred needs a hundred."""
        return 1 if self.percentile is None else math.ceil(round(1 / (1 - self.percentile / 100), 6))

    def is_about(self, journey: str) -> bool:
        """Whether requests of this journey count."""
        return journey in SUBJECTS[self.subject]

    def of(self, latencies_ms: Sequence[float], good: int) -> Measurement:
        """Return the figure of requests that waited so long; `good` of them were as a share's name says."""
        count = len(latencies_ms)
        if count < self.least:
            return Measurement(None, count)
        if self.percentile is not None:
            return Measurement(float(np.percentile(latencies_ms, self.percentile)), count)
        return Measurement(good / count, count)

    def measure(self, rows: Iterable[Row]) -> Measurement:
        """Return the figure of these requests; latency counts from due, and the failed have waited, too."""
        mine = [row for row in rows if self.is_about(row.journey)]
        return self.of([row.latency_ms for row in mine], sum(self._counts(row) for row in mine))

    def holds(self, value: float) -> bool:
        """Whether the bound is kept by this value."""
        return COMPARISONS[self.comparison](value, self.bound)

    def words(self, value: float | None) -> str:
        """Return a value of this figure as a person writes it."""
        if value is None:
            return "too few requests"
        return f"{100 * value:.1f} %" if self.percentile is None else f"{value:.0f} ms"

    def _counts(self, row: Row) -> bool:
        if self.figure == "confirmed":
            return row.code == "confirmed"
        return (row.outcome in FAILED) is (self.figure == "errors")

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Condition:
    """Read a condition on journeys of the load. Raises BadCondition: what was not understood, and what is allowed."""
    condition = read(text)
    subject = condition.subject.lower() or "all"
    if subject not in SUBJECTS:
        raise BadCondition(f"'{condition.text}': nobody sends '{subject}'. {_allowed()}")
    return replace(condition, subject=subject)


def read(text: str) -> Condition:
    """Read a condition on requests of any name, which stays as it is written; empty for all. Raises BadCondition."""
    written = " ".join(text.split())
    match = _WRITTEN.fullmatch(written)
    if match is None:
        raise BadCondition(f"'{written}' is no condition. {_allowed()}")
    figure = (match["figure"] or match["bare"] or match["what"] or "answered").lower()
    is_share, unit = figure in SHARES, match["unit"].lower()
    if not is_share and not _PERCENTILE.fullmatch(figure):
        raise BadCondition(f"'{written}': '{figure}' is no percentile. {_allowed()}")
    if is_share is not (unit == "%"):
        units = "%" if is_share else "ms or s"
        raise BadCondition(f"'{written}': {figure} is compared with {units}, not {unit}. {_allowed()}")
    value = float(match["value"])
    if is_share and value > 100:
        raise BadCondition(f"'{written}': a share is 100 % at most.")
    bound = value / 100 if is_share else value * MILLISECONDS[unit]
    return Condition(written, match["subject"] or match["whose"] or "", figure, match["comparison"], bound)


def _allowed() -> str:
    return (
        f"Write something like {EXAMPLES}: a figure (p50, p99, p99.9, {', '.join(SHARES)}) of {', '.join(SUBJECTS)}, "
        "then <, <=, > or >=, then a number with ms, s or %."
    )
