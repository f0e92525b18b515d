"""Comparisons over several sessions: each starts every arm afresh, and holds several pairs.

Pairs within one session share its processes, memory layout, connections and data files, so that their interval is of
that start alone: two such sessions give disjoint ones. What repeats a comparison is another session.
Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013, is the source of the interval (section 9)
and of the number of pairs that makes a session worth its start (section 6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import nctdtr, stdtr, stdtrit

from loadtests.measure.statistics import (
    ALPHA,
    Comparison,
    Equivalence,
    Floats,
    NotComparable,
    Verdict,
    log_ratios,
    t_interval,
)

MIN_SESSIONS = 3
MAX_SESSIONS = 50
POWER = 0.8


@dataclass(frozen=True)
class Spread:
    """Standard deviations of log ratios: `between` what sessions are of, `within` single pairs of one session."""

    between: float
    within: float

    def of_mean(self, pairs: float) -> float:
        """The standard deviation of a session's mean over so many pairs."""
        return math.sqrt(self.between**2 + self.within**2 / pairs)

    def share_between(self, pairs: float) -> float:
        """The share of the variance of a session's mean that more pairs would not remove."""
        return self.between**2 / self.of_mean(pairs) ** 2 if self.of_mean(pairs) else 0.0


@dataclass(frozen=True)
class Design:
    """How often to measure, and the ratio that is found with a chance of 80 %."""

    sessions: int
    pairs: int
    detects: float


def by_session(ratios: Floats, sessions: Sequence[int]) -> list[Floats]:
    """Return the log ratios of each session, in the order of their numbers."""
    numbers = np.asarray(sessions)
    return [ratios[numbers == number] for number in np.unique(numbers)]


def spread(groups: Sequence[Floats]) -> Spread:
    """Return what the log ratios of sessions say about both levels (analysis of variance; never below zero).

    Raises NotComparable with fewer than two sessions, or where no session has two pairs.
    """
    freedom = sum(group.size - 1 for group in groups)
    if len(groups) < 2 or freedom < 1:
        raise NotComparable("a spread of both levels needs two sessions, one with two pairs at least")
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / freedom
    pairs = len(groups) / sum(1 / group.size for group in groups)  # harmonic mean: void runs leave sessions unequal
    means = np.asarray([group.mean() for group in groups])
    return Spread(math.sqrt(max(0.0, float(means.var(ddof=1)) - within / pairs)), math.sqrt(within))


def compare_sessions(
    a: Sequence[float], b: Sequence[float], sessions: Sequence[int], alpha: float = ALPHA
) -> Comparison:
    """Compare B with A over sessions; pair n was measured in session `sessions[n]`. Raises NotComparable.

    The unit of replication is the session: the t interval and the t test are of the sessions' means. Fewer than
    MIN_SESSIONS sessions have an interval, if two, and no verdict.
    """
    groups = by_session(log_ratios(a, b), sessions)
    if len(groups) < 2:
        raise NotComparable("an interval over sessions needs two sessions at least")
    means = np.asarray([group.mean() for group in groups])
    mean, low, high = (float(bound[0]) for bound in t_interval(means, 1 - alpha))
    p_value = _p_value(means)
    verdict: Verdict = "not shown"
    if len(groups) < MIN_SESSIONS:
        verdict = "too few sessions"
    elif p_value <= alpha:
        verdict = "higher" if mean > 0 else "lower"
    return Comparison(math.exp(mean), math.exp(low), math.exp(high), p_value, len(a), verdict, len(groups))


def equivalence_of_sessions(
    a: Sequence[float], b: Sequence[float], sessions: Sequence[int], tolerance: float, alpha: float = ALPHA
) -> Equivalence:
    """Test whether a restarted twin is the same as its arm within `tolerance`: two one-sided t tests over sessions.

    Fewer than MIN_SESSIONS sessions never pass. Raises NotComparable.
    """
    groups = by_session(log_ratios(a, b), sessions)
    if len(groups) < 2:
        raise NotComparable("equivalence over sessions needs two sessions at least")
    means = np.asarray([group.mean() for group in groups])
    mean, low, high = (float(bound[0]) for bound in t_interval(means, 1 - 2 * alpha))
    widest = max(abs(low), abs(high))
    passed = len(groups) >= MIN_SESSIONS and widest < math.log1p(tolerance)
    bounds = math.exp(mean), math.exp(low), math.exp(high)
    return Equivalence(passed, *bounds, tolerance, math.expm1(widest), len(a), len(groups))


def _p_value(means: Floats) -> float:
    error = float(means.std(ddof=1)) / math.sqrt(means.size)
    if error == 0:
        return 0.0 if means.mean() else 1.0
    return float(2 * stdtr(means.size - 1, -abs(float(means.mean())) / error))


def power_of(sessions: int, pairs: float, noise: Spread, ratio: float, alpha: float = ALPHA) -> float:
    """Return the chance that so many sessions of so many pairs find a true ratio B/A (noncentral t)."""
    deviation = noise.of_mean(pairs)
    if not deviation:
        return 1.0
    critical = float(stdtrit(sessions - 1, 1 - alpha / 2))
    return float(1 - nctdtr(sessions - 1, abs(math.log(ratio)) * math.sqrt(sessions) / deviation, critical))


def detectable(sessions: int, pairs: float, noise: Spread, power: float = POWER, alpha: float = ALPHA) -> float:
    """Return the smallest ratio above 1 that this design finds with this chance. Halving, to one part in 10,000."""
    low, high = 0.0, 5.0  # logarithms: from no difference to 148 times
    while high - low > 1e-4:
        middle = (low + high) / 2
        enough = power_of(sessions, pairs, noise, math.exp(middle), alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return math.exp(high)


def pairs_worth_a_session(noise: Spread, start_s: float, pair_s: float, *, most: int) -> int:
    """Return how many pairs a session should hold if starting it takes `start_s`, and a pair `pair_s`.

    sqrt(start / pair x within² / between²): the least time for a given interval.
    """
    if noise.between == 0:
        return most
    best = math.sqrt(start_s / pair_s) * noise.within / noise.between
    return min(most, max(2, math.ceil(best - 1e-9)))


def plan(
    noise: Spread, ratio: float, *, start_s: float, pair_s: float, most_pairs: int = 100, power: float = POWER
) -> Design:
    """Return the shortest design that finds a true ratio with this chance. Raises NotComparable if there is none."""
    pairs = pairs_worth_a_session(noise, start_s, pair_s, most=most_pairs)
    for sessions in range(MIN_SESSIONS, MAX_SESSIONS + 1):
        if power_of(sessions, pairs, noise, ratio) >= power:
            return Design(sessions, pairs, detectable(sessions, pairs, noise, power))
    raise NotComparable(f"sessions differ by {noise.between:.0%}: {MAX_SESSIONS} of them do not find {ratio:g}")


def rounds_that_find(ratio: float, noise: float) -> int:
    """Return how many rounds of one start find a true ratio with a chance of POWER; `noise` is of their log ratios."""
    rounds = MIN_SESSIONS
    while power_of(rounds, 1, Spread(0.0, noise), ratio) < POWER:
        rounds += 1
    return rounds
