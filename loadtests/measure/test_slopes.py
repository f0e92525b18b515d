"""A slope is found, and noise is called none: also noise that drifts, for which a plain interval is too narrow."""

from __future__ import annotations

import numpy as np
import pytest

from loadtests.measure.slopes import WEEK_S, Slope, slope_of

SECONDS = np.arange(0.0, 1200.0, 10.0)


def drifting(rng: np.random.Generator, alike: float) -> np.ndarray:
    """Noise whose neighbours are alike: AR(1)."""
    steps = rng.normal(0, 1, len(SECONDS))
    series = np.zeros(len(SECONDS))
    for place in range(1, len(SECONDS)):
        series[place] = alike * series[place - 1] + steps[place]
    return series


def test_a_line_without_noise_is_its_own_slope() -> None:
    slope = slope_of(SECONDS, 100 + 0.02 * SECONDS)

    assert slope.per_s == pytest.approx(0.02)
    assert (slope.low, slope.high) == pytest.approx((0.02, 0.02))
    assert slope.as_dict()["per_h"] == pytest.approx(72)


def test_what_stays_as_it_is_has_no_slope() -> None:
    assert slope_of(SECONDS, np.full(len(SECONDS), 42.0)) == Slope(0.0, 0.0, 0.0, 42.0)


@pytest.mark.parametrize(("alike", "most"), [(0.0, 0.08), (0.5, 0.08), (0.9, 0.20)])
def test_noise_is_seldom_called_a_slope(alike: float, most: float) -> None:
    rng = np.random.default_rng(2000)
    slopes = [slope_of(SECONDS, drifting(rng, alike)) for _ in range(400)]

    assert sum(slope.low > 0 or slope.high < 0 for slope in slopes) / len(slopes) <= most


def test_a_slope_in_noise_lies_within_its_interval() -> None:
    rng = np.random.default_rng(7)
    slopes = [slope_of(SECONDS, 0.01 * SECONDS + drifting(rng, 0.3)) for _ in range(200)]

    assert sum(slope.low <= 0.01 <= slope.high for slope in slopes) / len(slopes) > 0.9
    assert sum(slope.low > 0 for slope in slopes) / len(slopes) > 0.9


def test_the_figure_of_a_block_may_be_another_than_its_mean() -> None:
    waits = np.where(np.arange(len(SECONDS)) % 10 == 0, 5_000.0, 10.0)

    assert slope_of(SECONDS, waits, lambda block: float(np.median(block))) == Slope(0.0, 0.0, 0.0, 10.0)


@pytest.mark.parametrize(
    ("low", "high", "doubles"),
    [(2.0, 3.0, "yes"), (-1.0, 0.5, "no"), (0.5, 2.0, "not shown"), (-9.0, 9.0, "not shown")],
)
def test_a_figure_doubles_in_a_week_if_all_of_the_interval_says_so(low: float, high: float, doubles: str) -> None:
    assert Slope((low + high) / 2 / WEEK_S, low / WEEK_S, high / WEEK_S, at_end=1.0).doubles == doubles


def test_two_moments_make_no_slope() -> None:
    with pytest.raises(ValueError, match="2 blocks of time make no slope"):
        slope_of([0.0, 1.0], [1.0, 2.0])
