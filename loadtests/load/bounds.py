"""Bounds that a load must keep, for CI: `--fail-if 'p99(order)>250ms' --fail-if 'errors>0.1%'`.

A bound names a figure (a percentile such as p50, p99 or p99.9, or `errors`), of one journey or row, or of all, and what
it may not exceed: a latency in ms or s, or a share of all requests in %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.load import conditions
from loadtests.load.generator.record import FAILED, Tally
from loadtests.load.users.traffic import ROWS

EXIT_BROKEN = 3


class BadBound(ValueError):
    """What was said is no bound."""


@dataclass(frozen=True)
class Figures:
    """What is known of a journey. `percentile_ms` takes 0 to 100."""

    count: int
    error_share: float
    percentile_ms: Callable[[float], float]


@dataclass(frozen=True)
class Bound:
    """`percentile` 0 to 100, or None for the share of errors; `most` is in ms, or a share from 0 to 1."""

    text: str
    of: str
    percentile: float | None
    most: float

    @classmethod
    def parse(cls, text: str) -> Bound:
        """Read one. Raises BadBound that says what is wanted."""
        try:
            condition = conditions.read(text)
        except conditions.BadCondition:
            condition = None
        if (
            condition is None
            or condition.comparison != ">"
            or (condition.percentile is None and condition.figure != "errors")
        ):
            raise BadBound(f"'{text}' is no bound: want 'p99>250ms', 'p95(order)>1s' or 'errors>0.1%'")
        return cls(text, condition.subject.replace(" ", ""), condition.percentile, condition.bound)

    def broken_by(self, figures: Mapping[str, Figures]) -> str:
        """Return how the figures break it, empty if they do not; '' names all requests together.

        A bound on what never happened is broken: a misspelt name must not pass.
        """
        names = {name.replace(" ", ""): one for name, one in figures.items()}
        one = (
            names.get(self.of) or names.get(ROWS.get(self.of, self.of).replace(" ", "")) if self.of else figures.get("")
        )
        if one is None or not one.count:
            there = ", ".join(sorted(name for name in figures if name)) or "no requests at all"
            return f"{self.text}: nothing was measured of {self.of or 'anything'}; there were {there}"
        if self.percentile is None:
            return f"{self.text}: {one.error_share:.2%} of {one.count}" if one.error_share > self.most else ""
        took_ms = one.percentile_ms(self.percentile)
        return f"{self.text}: {took_ms:.0f} ms, {one.count} requests" if took_ms > self.most else ""


def broken(texts: Sequence[str], figures: Mapping[str, Figures]) -> list[str]:
    """Return how bounds are broken. Raises BadBound."""
    return [breach for text in texts if (breach := Bound.parse(text).broken_by(figures))]


def of_summary(summary: Mapping[str, Any]) -> dict[str, Figures]:
    """Return the figures of a generator's summary.json, by journey."""
    tally = Tally.decode(summary["tally"])
    return {
        name: Figures(
            one.latency.count,
            sum(one.outcomes[outcome] for outcome in FAILED) / max(1, one.latency.count),
            one.latency.percentile,
        )
        for name, one in {"": tally.whole(), **tally.journeys}.items()
    }


def of_locust(stats: Any) -> dict[str, Figures]:
    """Return the figures of Locust's own statistics, by name and by method and name. They have two digits."""

    def figures(entry: Any) -> Figures:
        return Figures(
            entry.num_requests,
            entry.fail_ratio,
            lambda hundredths: float(entry.get_response_time_percentile(hundredths / 100)),
        )

    entries = {key: entry for entry in stats.entries.values() for key in (entry.name, f"{entry.method} {entry.name}")}
    return {name: figures(entry) for name, entry in {"": stats.total, **entries}.items()}


def watch(environment: Any, say: Callable[[str], None]) -> None:
    """Let a Locust test end with status 3 where a bound of `--fail-if` is broken. Raises BadBound at once."""
    texts: list[str] = getattr(environment.parsed_options, "fail_if", None) or []
    for text in texts:
        Bound.parse(text)

    def judge(**_event: Any) -> None:
        for breach in broken(texts, of_locust(environment.stats)):
            say(breach)
            environment.process_exit_code = EXIT_BROKEN

    environment.events.quitting.add_listener(judge)
