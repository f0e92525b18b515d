"""Tells from what the edge counts whether a new version does worse than the first one, at any moment, and how surely.

Looked at are failures and slow answers: those that take half as long again, and 10 ms at least, as 75 %, 90 % or 98 %
of the first version's did until then. Each such event happened at one version or the other. If the new one does no
worse, the chance that it was there is its share of the requests. Where events fall on it more often than that, the odds
against chance grow with each of them (a sequential likelihood ratio, mixed over several alternatives). By Ville's
inequality they exceed 1/alpha with a chance of at most alpha, ever: so one may look as often as one likes, and stop at
the first alarm. Two versions never do quite the same, and one that has less to do is colder: half as many bad answers
again are tolerated.

Source: Robbins 1970, 'Statistical methods related to the law of the iterated logarithm'; Johari, Pekelis and Walsh
2015, 'Always valid inference: bringing sequential analysis to A/B testing'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from deploy.envoy.cluster_stats import ClusterStats

ALPHA = 0.01  # the chance of a false alarm, of all looks together, over the whole watch
TOLERATED = 1.5  # times as many bad answers as the first version
RATIOS = (3.0, 6.0, 12.0, 40.0)  # how much worse it may be: the alternatives that are mixed
SLOW_SHARES = (0.25, 0.10, 0.02)  # of the first version's answers
SLOWER = 1.5  # times as long
SLOWER_BY_MS = 10.0
LEAST_TO_KNOW_SLOW = 50  # answers


@dataclass
class SequentialTest:
    """The odds that a version does worse, against chance. 1 at the start."""

    _logs: list[float] = field(default_factory=lambda: [0.0] * len(RATIOS))

    @property
    def odds(self) -> float:
        """The mean of the likelihood ratios of all alternatives."""
        return sum(math.exp(min(one, 700.0)) for one in self._logs) / len(self._logs)

    def add(self, first_bad: int, first_all: int, new_bad: int, new_all: int) -> None:
        """Take what was counted since the last look, of both versions."""
        if not first_all or not new_all:
            return
        innocent = _chance(TOLERATED, new_all / first_all)
        for place, ratio in enumerate(RATIOS):
            guilty = _chance(ratio, new_all / first_all)
            self._logs[place] += new_bad * math.log(guilty / innocent)
            self._logs[place] += first_bad * math.log((1 - guilty) / (1 - innocent))


@dataclass(frozen=True)
class Regression:
    """Why a version is taken back. `what`: failures or slow answers; counts are of the whole watch."""

    what: str
    odds: float
    first_bad: int
    first_all: int
    new_bad: int
    new_all: int
    slow_ms: float | None = None

    def message(self) -> str:
        """Return it as a sentence."""
        what = f"took {self.slow_ms:.0f} ms or more" if self.slow_ms is not None else "failed"
        return (
            f"{self.new_bad} of {self.new_all} answers of the new version {what}, and {self.first_bad} of "
            f"{self.first_all} of the first one: the odds against chance are {min(self.odds, 1e6):,.0f} to 1."
        )


@dataclass
class _Slowness:
    """Counts answers beyond a bound that so many of the first version's were beyond until the look before."""

    share: float
    test: SequentialTest = field(default_factory=SequentialTest)
    slow_ms: float | None = None
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)  # slow and all of the first version, slow and all of the new one

    def add(self, first: ClusterStats, new: ClusterStats) -> None:
        """Take what was counted since the last look, if it is known what is slow."""
        if self.slow_ms is None:
            return
        more = first.slower_than(self.slow_ms), first.timed, new.slower_than(self.slow_ms), new.timed
        self.test.add(*more)
        before = self.counts
        self.counts = before[0] + more[0], before[1] + more[1], before[2] + more[2], before[3] + more[3]

    def learn(self, first: ClusterStats) -> None:
        """Decide what is slow from now on: before it is counted, or the bound would fit the counts."""
        if first.timed >= LEAST_TO_KNOW_SLOW:
            self.slow_ms = slow_of(first, self.share)


class CanaryAnalysis:
    """Looks at two versions again and again. It is told all that was counted since both got requests."""

    def __init__(self, alpha: float = ALPHA) -> None:
        self._failures = SequentialTest()
        self._slowness = [_Slowness(share) for share in SLOW_SHARES]
        self._enough = (1 + len(self._slowness)) / alpha  # each look gets its part of it
        self._last = ClusterStats(), ClusterStats()

    @property
    def odds(self) -> float:
        """The odds of the look that is worst."""
        return max(self._failures.odds, *(one.test.odds for one in self._slowness))

    def look(self, first: ClusterStats, new: ClusterStats) -> Regression | None:
        """Return an alarm once the new version surely does worse."""
        first_more, new_more = first.since(self._last[0]), new.since(self._last[1])
        self._last = first, new
        self._failures.add(first_more.failed, first_more.answered, new_more.failed, new_more.answered)
        for slowness in self._slowness:
            slowness.add(first_more, new_more)
            slowness.learn(first)
        if self._failures.odds >= self._enough:
            return Regression("failures", self._failures.odds, first.failed, first.answered, new.failed, new.answered)
        for one in self._slowness:
            if one.test.odds >= self._enough:
                return Regression("slow answers", one.test.odds, *one.counts, one.slow_ms)
        return None


def slow_of(first: ClusterStats, share: float) -> float:
    """Return from which ms on an answer is slow: more than what all but this share of the first version's take."""
    usual = first.percentile_ms(100 * (1 - share)) or 0.0
    return max(SLOWER * usual, usual + SLOWER_BY_MS)


def _chance(ratio: float, share: float) -> float:
    """Return the chance that an event is at the new version, which has `share` times the requests of the first."""
    return ratio * share / (ratio * share + 1)
