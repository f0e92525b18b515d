"""The law is found again in figures made by it, and not fitted to too few points."""

from __future__ import annotations

import math

import pytest

from loadtests.measure.scalability import Scalability, fit

LAW = Scalability(one=20.0, contention=0.05, coherence=0.01)


def test_a_law_is_found_again_in_its_own_figures() -> None:
    law = fit({n: LAW.at(n) for n in (1, 2, 3, 4, 6, 8)})

    assert law is not None
    assert law.contention == pytest.approx(LAW.contention, abs=0.005)
    assert law.coherence == pytest.approx(LAW.coherence, abs=0.001)
    assert law.peak == pytest.approx(math.sqrt(0.95 / 0.01), rel=0.05)


def test_a_straight_line_has_no_peak_nearby() -> None:
    law = fit({n: 3.0 * n for n in (1, 2, 3, 4)})

    assert law is not None
    assert law.at(4) == pytest.approx(12.0, rel=0.01)
    assert law.peak > 100


def test_three_points_are_too_few_for_three_parameters() -> None:
    assert fit({1: 1.0, 2: 2.0, 3: 3.0}) is None


def test_a_law_without_coherence_has_no_peak() -> None:
    assert Scalability(1.0, 0.1, 0.0).peak == math.inf
