"""What a step adds is found with its interval, and nothing is claimed of what no pairs show."""

from __future__ import annotations

import pytest

from loadtests.measure.statistics import NotComparable
from loadtests.measure.steps import step


def test_a_steady_difference_is_shown() -> None:
    result = step("a", "b", [5.0, 6.0, 5.5, 5.8], [7.1, 8.0, 7.4, 7.9])

    assert result.added == pytest.approx(2.025)
    assert result.low < result.added < result.high
    assert result.shown


def test_noise_around_nothing_is_not_shown() -> None:
    assert not step("a", "b", [5.0, 6.0, 5.5, 5.8], [5.2, 5.7, 5.6, 5.7]).shown


@pytest.mark.parametrize(("first", "second"), [([1.0], [2.0]), ([1.0, 2.0], [1.0])])
def test_one_pair_or_half_pairs_have_no_interval(first: list[float], second: list[float]) -> None:
    with pytest.raises(NotComparable):
        step("a", "b", first, second)
