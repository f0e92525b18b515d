"""Is B different from A, and by how much? Paired log ratios, with a number of pairs fixed before the first is run.

Pairs cancel what drifts slowly, logarithms make "twice" and "half" the same distance, and the order within each pair
is drawn at random so that a machine that gets slower while it runs favours neither. A difference is named only
where a sign-flip test and a t interval both see it. Stopping as soon as a difference shows would void the 5 %.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Verdict = Literal["higher", "lower", "not shown", "too few pairs", "too few sessions"]

MIN_PAIRS = 8
ALPHA = 0.05
# Up to here all 2^n patterns of signs are tried; above, as many at random (their own seed, so that a report can be
# drawn again).
EXACT_PAIRS = 14
RANDOM_PATTERNS = 20_000
ROWS_AT_ONCE = 64  # so that what is multiplied fits into a processor's cache
PATTERN_SEED = 1935  # Fisher, The Design of Experiments


class NotComparable(ValueError):
    """The figures do not make pairs of positive numbers."""


@dataclass(frozen=True)
class Comparison:
    """The ratio B/A with its interval at `1 - alpha`. `verdict` says whether B is higher or lower than A."""

    ratio: float
    low: float
    high: float
    p_value: float
    pairs: int
    verdict: Verdict
    sessions: int = 1  # with one, all of this is about one start of each arm (loadtests/measure/replication.py)


@dataclass(frozen=True)
class Equivalence:
    """Whether the ratio B/A lies within `1/(1+tolerance) .. 1+tolerance`; `low..high` is the 90 % interval behind it.

    `spread` is what one would have had to tolerate: the smallest tolerance at which this had passed.
    """

    passed: bool
    ratio: float
    low: float
    high: float
    tolerance: float
    spread: float
    pairs: int
    sessions: int = 1


def order_of_pairs(pairs: int, seed: int) -> list[tuple[Literal["a", "b"], Literal["a", "b"]]]:
    """Return who goes first in each pair: as often A as B (one more of either if odd), in an order drawn by `seed`."""
    rng = random.Random(seed)
    orders: list[tuple[Literal["a", "b"], Literal["a", "b"]]] = [("a", "b"), ("b", "a")]
    rng.shuffle(orders)
    sequence = [orders[number % 2] for number in range(pairs)]
    rng.shuffle(sequence)
    return sequence


def log_ratios(a: Sequence[float], b: Sequence[float]) -> Floats:
    """Return ln(b/a) pair by pair. Raises NotComparable."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or not first.size:
        raise NotComparable(f"{first.size} and {second.size} figures do not make pairs")
    if not (np.all(np.isfinite(first) & (first > 0)) and np.all(np.isfinite(second) & (second > 0))):
        raise NotComparable("a ratio needs figures above zero")
    return np.log(second) - np.log(first)


def sign_flip_p(ratios: Floats) -> Floats:
    """Return two-sided p-values of the sign-flip test of mean 0, one for each row of `ratios` (shape: rows, pairs).

    If A and B are the same, each log ratio could as well have come with the other sign. The p-value is the share of
    all sign patterns whose mean is at least as far from 0 as the one seen; no assumption about the noise's shape.
    """
    rows = np.atleast_2d(ratios)
    pairs = rows.shape[1]
    observed = np.abs(rows.sum(axis=1))
    if pairs <= EXACT_PAIRS:
        # The opposite of a pattern is as far from 0: those whose first sign is + are enough.
        bits = ((np.arange(2 ** (pairs - 1))[:, None] >> np.arange(pairs)) & 1).astype(np.float64)
        return _share_as_extreme(rows, observed, 1 - 2 * bits)
    patterns = np.random.default_rng(PATTERN_SEED).choice([-1.0, 1.0], size=(RANDOM_PATTERNS, pairs))
    extreme = _share_as_extreme(rows, observed, patterns)
    # The pattern seen counts as one of them, otherwise a p-value of 0 would be possible.
    return (extreme * RANDOM_PATTERNS + 1) / (RANDOM_PATTERNS + 1)


def _share_as_extreme(rows: Floats, observed: Floats, patterns: Floats) -> Floats:
    threshold = observed - 1e-9 * (1 + observed)  # rounding must not lose the pattern seen itself
    shares = np.empty(len(rows))
    for first in range(0, len(rows), ROWS_AT_ONCE):
        some = slice(first, first + ROWS_AT_ONCE)
        shares[some] = np.mean(np.abs(rows[some] @ patterns.T) >= threshold[some, None], axis=1)
    return shares


def t_interval(ratios: Floats, confidence: float) -> tuple[Floats, Floats, Floats]:
    """Return mean, low and high of the mean log ratio, for each row of `ratios` (shape: rows, pairs or sessions)."""
    rows = np.atleast_2d(ratios)
    pairs = rows.shape[1]
    if pairs < 2:
        raise NotComparable("an interval needs two pairs at least")
    mean = rows.mean(axis=1)
    half = stdtrit(pairs - 1, (1 + confidence) / 2) * rows.std(axis=1, ddof=1) / math.sqrt(pairs)
    return mean, mean - half, mean + half


def called_different(ratios: Floats, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """Return for each row of log ratios whether A and B are called different: both tests must agree."""
    _, low, high = t_interval(ratios, 1 - alpha)
    return (sign_flip_p(ratios) <= alpha) & ((low > 0) | (high < 0))


def called_equivalent(ratios: Floats, tolerance: float, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """Return for each row of log ratios whether A and B are called equivalent (two one-sided t tests).

    Schuirmann, "A comparison of the two one-sided tests procedure ...", J. Pharmacokinet. Biopharm. 15 (1987).
    """
    _, low, high = t_interval(ratios, 1 - 2 * alpha)
    border = math.log1p(tolerance)
    return (low > -border) & (high < border)


def compare(a: Sequence[float], b: Sequence[float], alpha: float = ALPHA) -> Comparison:
    """Compare B with A. With fewer than MIN_PAIRS pairs there is an interval but no verdict. Raises NotComparable."""
    ratios = log_ratios(a, b)
    mean, low, high = (float(bound[0]) for bound in t_interval(ratios, 1 - alpha))
    verdict: Verdict = "not shown"
    if ratios.size < MIN_PAIRS:
        verdict = "too few pairs"
    elif called_different(ratios, alpha)[0]:
        verdict = "higher" if mean > 0 else "lower"
    p_value = float(sign_flip_p(ratios)[0])
    return Comparison(math.exp(mean), math.exp(low), math.exp(high), p_value, int(ratios.size), verdict)


def equivalence(a: Sequence[float], b: Sequence[float], tolerance: float, alpha: float = ALPHA) -> Equivalence:
    """Test whether B is the same as A within `tolerance` (0.05 is 5 %): the A/A gate. Raises NotComparable.

    Fewer than MIN_PAIRS pairs never pass.
    """
    ratios = log_ratios(a, b)
    mean, low, high = (float(bound[0]) for bound in t_interval(ratios, 1 - 2 * alpha))
    passed = ratios.size >= MIN_PAIRS and bool(called_equivalent(ratios, tolerance, alpha)[0])
    spread = math.expm1(max(abs(low), abs(high)))
    return Equivalence(passed, math.exp(mean), math.exp(low), math.exp(high), tolerance, spread, int(ratios.size))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p-values corrected for looking at several figures of one experiment.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979): with it, the chance
    that any figure of identical arms is called different stays at alpha.
    """
    corrected: dict[str, float] = {}
    highest = 0.0
    for place, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, p_value * (len(p_values) - place)))
        corrected[name] = highest
    return corrected
