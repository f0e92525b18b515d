"""The statistics against arms whose truth is known: 10,000 simulated comparisons each."""

import math
from functools import cache

import numpy as np
import pytest

from loadtests.measure.statistics import (
    ALPHA,
    NotComparable,
    called_different,
    called_equivalent,
    compare,
    equivalence,
    holm,
    log_ratios,
    order_of_pairs,
    sign_flip_p,
    t_interval,
)

COMPARISONS = 10_000
# Three standard errors of a share of 5 % in 10,000 simulations: what a sound test may exceed 5 % by, by chance alone.
CHANCE = 3 * math.sqrt(0.05 * 0.95 / COMPARISONS)
PAIRS = [8, 12]

NOISES = {
    "normal": lambda rng, shape: rng.normal(0, 0.1, shape),
    "heavy-tailed": lambda rng, shape: 0.1 * rng.standard_t(2, shape),
    "lognormal spikes": lambda rng, shape: rng.normal(0, 0.05, shape) + rng.lognormal(-4, 1.5, shape),
    "now and then a stall": lambda rng, shape: rng.normal(0, 0.05, shape) + 1.5 * (rng.random(shape) < 0.05),
}


@cache
def a_is_first(pairs: int) -> np.ndarray:
    """Who goes first in each pair of each comparison, as the instrument draws it."""
    return np.array([[order[0] == "a" for order in order_of_pairs(pairs, row)] for row in range(COMPARISONS)])


def simulated_log_ratios(
    seed: int, pairs: int, noise_name: str, *, true_ratio: float = 1.0, drift: float = 0.0, walk: float = 0.0
) -> np.ndarray:
    """Log ratios of simulated comparisons, measured one after the other in the order that the instrument draws.

    `drift` is the growth of all figures over a whole comparison, `walk` the step of a random walk per measurement.
    """
    rng = np.random.default_rng(seed)
    shape = (COMPARISONS, 2 * pairs)
    level = NOISES[noise_name](rng, shape) + np.linspace(0, drift, 2 * pairs)
    level += np.cumsum(rng.normal(0, walk, shape), axis=1)
    first, second = level[:, 0::2], level[:, 1::2]
    return np.where(a_is_first(pairs), second - first, first - second) + math.log(true_ratio)


@pytest.mark.parametrize("pairs", PAIRS)
@pytest.mark.parametrize("noise_name", NOISES)
@pytest.mark.parametrize(("drift", "walk"), [(0.0, 0.0), (1.0, 0.0), (0.0, 0.1)], ids=["still", "drift", "walk"])
def test_identical_arms_are_called_different_in_at_most_five_percent(pairs, noise_name, drift, walk):
    ratios = simulated_log_ratios(11, pairs, noise_name, drift=drift, walk=walk)

    false_alarms = np.mean(called_different(ratios))

    assert false_alarms <= 0.05 + CHANCE


def test_a_fixed_order_would_call_identical_arms_different_when_the_machine_drifts():
    rng = np.random.default_rng(3)
    level = rng.normal(0, 0.1, (COMPARISONS, 16)) + np.linspace(0, 1.0, 16)

    always_a_first = called_different(level[:, 1::2] - level[:, 0::2])

    assert np.mean(always_a_first) > 0.15


def test_stopping_at_the_first_difference_would_break_the_five_percent():
    ratios = simulated_log_ratios(5, 16, "normal")

    peeked = np.zeros(COMPARISONS, dtype=bool)
    for pairs_so_far in range(8, 17, 2):
        _, low, high = t_interval(ratios[:, :pairs_so_far], 0.95)
        peeked |= (low > 0) | (high < 0)

    assert np.mean(peeked) > 0.08


def test_eight_pairs_with_four_percent_noise_find_ten_percent_almost_always():
    ratios = np.random.default_rng(8).normal(math.log(1.10), 0.04, (COMPARISONS, 8))

    assert np.mean(called_different(ratios)) >= 0.99


@pytest.mark.parametrize("border", [1.05, 1 / 1.05], ids=["above", "below"])
@pytest.mark.parametrize("pairs", PAIRS)
@pytest.mark.parametrize("drift", [0.0, 0.5])
@pytest.mark.parametrize("noise_name", ["normal", "heavy-tailed"])
def test_the_equivalence_gate_lets_a_difference_at_its_border_pass_in_at_most_five_percent(
    border, pairs, drift, noise_name
):
    ratios = simulated_log_ratios(13, pairs, noise_name, true_ratio=border, drift=drift)

    wrongly_passed = np.mean(called_equivalent(0.2 * (ratios - math.log(border)) + math.log(border), 0.05))

    assert wrongly_passed <= 0.05 + CHANCE


def test_noise_alone_does_not_make_arms_equivalent():
    noisy = np.random.default_rng(19).normal(0, 0.3, (COMPARISONS, 8))

    assert np.mean(called_equivalent(noisy, 0.05)) < 0.01


def test_the_interval_holds_the_true_ratio_in_95_of_100_comparisons():
    ratios = np.random.default_rng(23).normal(math.log(1.3), 0.1, (COMPARISONS, 8))

    _, low, high = t_interval(ratios, 0.95)

    assert np.mean((low <= math.log(1.3)) & (math.log(1.3) <= high)) == pytest.approx(0.95, abs=0.01)


def test_the_t_quantile_is_the_one_of_the_tables():
    # Student's t, 7 degrees of freedom, two-sided 95 %: 2.365 in every printed table.
    ratios = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0])

    _, _, high = t_interval(ratios, 0.95)

    assert high[0] == pytest.approx(2.365 * ratios.std(ddof=1) / math.sqrt(8), abs=1e-3)


def test_sign_flips_of_eight_pairs_on_one_side_have_two_extreme_patterns_of_256():
    assert sign_flip_p(np.full(8, 0.1))[0] == pytest.approx(2 / 256)


def test_random_sign_patterns_agree_with_all_of_them():
    ratios = np.random.default_rng(29).normal(0.03, 0.1, 14)

    exact = sign_flip_p(ratios)[0]
    p_value = sign_flip_p(np.concatenate([ratios, [0.0]]))[0]  # a zero changes no sum, but 15 pairs are drawn at random

    assert p_value == pytest.approx(exact, abs=0.015)


def test_a_comparison_says_ratio_interval_and_verdict():
    a = [10.0, 11.0, 9.5, 10.2, 10.8, 9.9, 10.1, 10.4]

    comparison = compare(a, [2 * figure for figure in a])

    assert comparison.ratio == pytest.approx(2.0)
    assert comparison.low == pytest.approx(2.0)
    assert comparison.verdict == "higher"
    assert comparison.p_value == pytest.approx(2 / 256)


def test_seven_pairs_make_no_verdict():
    comparison = compare([1.0] * 7, [2.0, 2.1, 1.9, 2.0, 2.2, 2.0, 2.0])

    assert comparison.verdict == "too few pairs"
    assert comparison.low > 1.5


def test_a_gate_of_seven_pairs_does_not_pass_however_equal_they_are():
    assert not equivalence([1.0] * 7, [1.0, 1.001, 0.999, 1.0, 1.0, 1.0, 1.0], 0.05).passed


def test_the_spread_is_the_tolerance_at_which_the_gate_had_just_passed():
    a = [10.0, 11.0, 9.5, 10.2, 10.8, 9.9, 10.1, 10.4]
    b = [10.3, 10.9, 9.9, 10.0, 11.2, 9.8, 10.4, 10.3]

    spread = equivalence(a, b, 0.05).spread

    assert equivalence(a, b, spread * 1.001).passed
    assert not equivalence(a, b, spread * 0.999).passed


@pytest.mark.parametrize(
    ("a", "b"), [([1.0, 2.0], [1.0]), ([1.0, 0.0], [1.0, 1.0]), ([1.0, math.nan], [1.0, 1.0]), ([], [])]
)
def test_what_makes_no_positive_pairs_is_refused(a, b):
    with pytest.raises(NotComparable):
        log_ratios(a, b)


def test_each_arm_goes_first_in_half_of_the_pairs_and_the_seed_repeats_the_order():
    order = order_of_pairs(8, seed=4)

    assert sorted(order) == [("a", "b")] * 4 + [("b", "a")] * 4
    assert order == order_of_pairs(8, seed=4)
    assert any(order_of_pairs(8, seed) != order for seed in range(5, 10))


def test_ten_figures_of_identical_arms_raise_a_false_alarm_in_five_percent_after_holm():
    p_values = sign_flip_p(np.random.default_rng(31).normal(0, 0.1, (1000 * 10, 12))).reshape(1000, 10)

    alarms = [min(holm({str(n): p for n, p in enumerate(row)}).values()) <= ALPHA for row in p_values]

    assert np.mean(p_values.min(axis=1) <= ALPHA) > 0.3
    assert np.mean(alarms) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)
