"""The statistics of sessions against arms whose truth is known."""

import math

import numpy as np
import pytest

from loadtests.measure.replication import (
    Spread,
    by_session,
    compare_sessions,
    detectable,
    equivalence_of_sessions,
    pairs_worth_a_session,
    plan,
    power_of,
    spread,
)
from loadtests.measure.statistics import NotComparable, t_interval

COMPARISONS = 10_000
CHANCE = 3 * math.sqrt(0.05 * 0.95 / COMPARISONS)
WITHIN = 0.05


def simulated(seed: int, sessions: int, pairs: int, *, between: float, true_ratio: float = 1.0) -> np.ndarray:
    """Log ratios of simulated comparisons. Shape: comparisons, sessions, pairs."""
    rng = np.random.default_rng(seed)
    starts = rng.normal(math.log(true_ratio), between, (COMPARISONS, sessions, 1))
    return starts + rng.normal(0, WITHIN, (COMPARISONS, sessions, pairs))


def differs(values: np.ndarray) -> np.ndarray:
    """Whether the interval of each row leaves out 0. Shape: comparisons, sessions (or pairs)."""
    _, low, high = t_interval(values, 0.95)
    return (low > 0) | (high < 0)


@pytest.mark.parametrize("sessions", [3, 4, 8])
def test_identical_arms_that_differ_from_session_to_session_are_called_different_in_five_percent(sessions):
    ratios = simulated(41, sessions, 8, between=2 * WITHIN)

    false_alarms = np.mean(differs(ratios.mean(axis=2)))
    one_session = np.mean(differs(ratios[:, 0, :]))

    assert false_alarms <= 0.05 + CHANCE
    assert one_session > 0.6  # pairs of a single start: 7 of 10 such comparisons would be wrong


def test_pooling_the_pairs_of_all_sessions_would_call_identical_arms_different_in_every_second_comparison():
    pooled = simulated(43, 4, 8, between=2 * WITHIN).reshape(COMPARISONS, 32)

    assert np.mean(differs(pooled)) > 0.4


def test_the_planned_power_is_the_share_of_comparisons_that_find_the_difference():
    noise = Spread(0.04, WITHIN)
    design = plan(noise, 1.10, start_s=30, pair_s=3)
    ratios = simulated(47, design.sessions, design.pairs, between=noise.between, true_ratio=1.10)

    power = np.mean(differs(ratios.mean(axis=2)))

    assert power == pytest.approx(power_of(design.sessions, design.pairs, noise, 1.10), abs=0.02)
    assert power >= 0.78
    assert design.detects <= 1.10


def test_what_is_detectable_has_a_power_of_eighty_percent():
    noise = Spread(0.03, 0.06)

    ratio = detectable(4, 10, noise)

    assert power_of(4, 10, noise, ratio) == pytest.approx(0.8, abs=0.01)


def test_sessions_that_hardly_differ_are_worth_many_pairs_and_those_that_do_are_worth_few():
    many = pairs_worth_a_session(Spread(0.01, 0.10), start_s=36, pair_s=4, most=100)
    few = pairs_worth_a_session(Spread(0.10, 0.10), start_s=36, pair_s=4, most=100)

    assert (many, few) == (30, 3)
    assert pairs_worth_a_session(Spread(0.0, 0.10), start_s=36, pair_s=4, most=100) == 100


def test_the_spread_of_both_levels_is_recovered():
    ratios = simulated(53, 50, 10, between=0.1)[0]

    noise = spread(list(ratios))

    assert noise.between == pytest.approx(0.1, rel=0.25)
    assert noise.within == pytest.approx(WITHIN, rel=0.1)
    assert noise.share_between(10) == pytest.approx(0.1**2 / (0.1**2 + WITHIN**2 / 10), abs=0.05)


def test_a_comparison_over_sessions_is_of_their_means():
    a = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    b = [2.0, 2.0, 2.1, 2.1, 1.9, 1.9]

    comparison = compare_sessions(a, b, [1, 1, 2, 2, 3, 3])

    assert comparison.ratio == pytest.approx(math.exp(np.log([2.0, 2.1, 1.9]).mean()))
    assert (comparison.verdict, comparison.sessions, comparison.pairs) == ("higher", 3, 6)
    assert comparison.low < 1.9  # wider than the three means, with two degrees of freedom


def test_a_session_that_lost_pairs_weighs_as_much_as_the_others():
    comparison = compare_sessions([1.0] * 5, [2.0, 2.0, 2.0, 8.0, 8.0], [1, 1, 1, 2, 2])

    assert comparison.ratio == pytest.approx(4.0)


def test_two_sessions_make_no_verdict_and_one_makes_no_interval():
    assert compare_sessions([1.0] * 4, [2.0] * 4, [1, 1, 2, 2]).verdict == "too few sessions"
    with pytest.raises(NotComparable):
        compare_sessions([1.0] * 4, [2.0] * 4, [1, 1, 1, 1])


def test_a_restarted_twin_passes_only_where_its_sessions_agree():
    agreeing = equivalence_of_sessions([1.0] * 8, [1.01, 1.0, 0.99, 1.0] * 2, [1, 1, 2, 2, 3, 3, 4, 4], 0.05)
    disagreeing = equivalence_of_sessions([1.0] * 8, [1.2, 1.2, 0.8, 0.8] * 2, [1, 1, 2, 2, 3, 3, 4, 4], 0.05)

    assert (agreeing.passed, agreeing.sessions) == (True, 4)
    assert not disagreeing.passed
    assert not equivalence_of_sessions([1.0] * 4, [1.0] * 4, [1, 1, 2, 2], 0.05).passed


def test_sessions_are_told_apart_by_their_number():
    groups = by_session(np.asarray([0.1, 0.2, 0.3]), [2, 1, 2])

    assert [list(group) for group in groups] == [[0.2], [0.1, 0.3]]


def test_hopeless_noise_is_said_before_the_run():
    with pytest.raises(NotComparable, match="do not find"):
        plan(Spread(0.5, 0.5), 1.01, start_s=30, pair_s=3)
