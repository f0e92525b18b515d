"""Latencies are kept to three digits, and merged rather than averaged."""

import random

import numpy as np
import pytest

from loadtests.measure.latency import LatencyHistogram


def latencies(seed, count=5_000):
    rng = random.Random(seed)
    return [rng.lognormvariate(3, 1) for _ in range(count)]


@pytest.mark.parametrize("percent", [50, 95, 99])
def test_a_percentile_is_right_to_three_digits(percent):
    values = latencies(1)

    estimate = LatencyHistogram.of(values).percentile(percent)

    assert estimate == pytest.approx(np.percentile(values, percent, method="inverted_cdf"), rel=0.001)


def test_what_locust_would_round_away_is_kept():
    assert LatencyHistogram.of([147.3]).percentile(50) == pytest.approx(147.3, rel=0.001)
    assert LatencyHistogram.of([3_432.0]).percentile(50) == pytest.approx(3_432, rel=0.001)


def test_two_processes_merged_give_what_one_would_have_measured():
    first, second = latencies(1), [10 * value for value in latencies(2)]
    merged = LatencyHistogram.of(first)

    merged.merge(LatencyHistogram.of(second))

    assert merged.summary() == LatencyHistogram.of(first + second).summary()
    averaged = (LatencyHistogram.of(first).percentile(99) + LatencyHistogram.of(second).percentile(99)) / 2
    assert merged.percentile(99) != pytest.approx(averaged, rel=0.1)


def test_a_histogram_travels_as_text():
    histogram = LatencyHistogram.of(latencies(3))

    assert LatencyHistogram.decode(histogram.encode()).summary() == histogram.summary()


def test_the_worst_latency_is_never_lost():
    histogram = LatencyHistogram.of([1.0, 10_000_000.0])

    assert histogram.count == 2
    assert histogram.summary()["max"] == pytest.approx(600_000, rel=0.001)


def test_an_empty_histogram_has_no_figures_but_does_not_fail():
    assert LatencyHistogram().summary()["count"] == 0
    assert LatencyHistogram.decode(LatencyHistogram().encode()).count == 0


def test_the_curve_climbs_to_the_maximum():
    histogram = LatencyHistogram.of(latencies(4))

    curve = histogram.curve()

    assert curve == sorted(curve)
    assert curve[-1][1] == pytest.approx(histogram.summary()["max"], rel=0.001)


def test_the_mean_is_the_one_that_hdrh_walks_all_its_buckets_for():
    histogram = LatencyHistogram.of(latencies(5))

    assert histogram.summary()["mean"] == round(histogram._counts.get_mean_value() / 1000, 3)
