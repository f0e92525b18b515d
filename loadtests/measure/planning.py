"""How many pairs are enough, decided before the first is run; and several figures at once without fooling oneself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import nctdtr, stdtrit

from loadtests.measure.statistics import ALPHA, MAX_PLANNED_PAIRS, MIN_PAIRS, NotComparable, log_ratios


def noise(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the standard deviation of the log ratios of a pilot (0.1: single pairs scatter by about 10 %)."""
    ratios = log_ratios(a, b)
    if ratios.size < 2:
        raise NotComparable("noise needs two pairs at least")
    return float(np.std(ratios, ddof=1))


def power(pairs: int, sd_log: float, ratio: float, alpha: float = ALPHA) -> float:
    """Return the chance that a t test over `pairs` finds a true ratio B/A, if log ratios scatter by `sd_log`.

    Noncentral t distribution; the sign-flip test that must agree costs a little of it (some percent at 8 pairs).
    A difference called in the wrong direction is not counted as found.
    """
    shift = abs(math.log(ratio)) * math.sqrt(pairs) / sd_log
    critical = float(stdtrit(pairs - 1, 1 - alpha / 2))
    return float(1 - nctdtr(pairs - 1, shift, critical))


def equivalence_power(pairs: int, sd_log: float, tolerance: float, alpha: float = ALPHA) -> float:
    """Return the chance that two equal arms pass the equivalence test (a lower bound, good near 1).

    Both one-sided tests have to reject: by Bonferroni's inequality the chance is at least 1 - 2 P(one fails).
    """
    shift = math.log1p(tolerance) * math.sqrt(pairs) / sd_log
    critical = float(stdtrit(pairs - 1, 1 - alpha))
    return max(0.0, 1 - 2 * float(nctdtr(pairs - 1, shift, critical)))


def pairs_needed(sd_log: float, ratio: float, wanted_power: float = 0.8, alpha: float = ALPHA) -> int:
    """Return how many pairs (at least MIN_PAIRS) find a true ratio with this chance. Raises NotComparable."""
    for pairs in range(MIN_PAIRS, MAX_PLANNED_PAIRS + 1):
        if power(pairs, sd_log, ratio, alpha) >= wanted_power:
            return pairs
    raise NotComparable(f"noise of {sd_log:.0%} hides a ratio of {ratio:g} even from {MAX_PLANNED_PAIRS} pairs")


def pairs_needed_for_equivalence(
    sd_log: float, tolerance: float, wanted_power: float = 0.8, alpha: float = ALPHA
) -> int:
    """Return the number of pairs with which equal arms pass an A/A gate with this chance. Raises NotComparable."""
    for pairs in range(MIN_PAIRS, MAX_PLANNED_PAIRS + 1):
        if equivalence_power(pairs, sd_log, tolerance, alpha) >= wanted_power:
            return pairs
    raise NotComparable(f"noise of {sd_log:.0%} is too much for a tolerance of {tolerance:.0%}")


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
