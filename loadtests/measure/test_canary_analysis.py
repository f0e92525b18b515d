"""The analysis of a new version: surely right about what is worse, and seldom wrong about what is not."""

from __future__ import annotations

import random

import pytest

from deploy.envoy.cluster_stats import ClusterStats, decode
from loadtests.measure.canary_analysis import ALPHA, CanaryAnalysis, SequentialTest, slow_of

FAST, SLOW = 5.0, 50.0  # ms


def watched(
    seed: int, *, failing: float = 0.0, slow: float = 0.08, control_failing: float = 0.0, looks: int = 120
) -> int | None:
    """Return after how many requests of the new version an alarm came; None if it did not. 10 % of them are its."""
    chance, analysis = random.Random(seed), CanaryAnalysis()
    counts = [[0, 0, 0], [0, 0, 0]]  # answered, failed, slow; of the first and of the new version
    for _ in range(looks):
        for _ in range(30):
            new = chance.random() < 0.1
            row = counts[new]
            row[0] += 1
            row[1] += chance.random() < (failing if new else control_failing)
            row[2] += chance.random() < (slow if new else 0.08)
        first, new_one = (
            ClusterStats(all_, failed, {FAST: (1.0, all_ - late), SLOW: (1.0, late)}) for all_, failed, late in counts
        )
        if analysis.look(first, new_one):
            return counts[1][0]
    return None


@pytest.mark.parametrize("seed", range(5))
def test_a_version_that_fails_is_found_after_few_requests(seed: int) -> None:
    after = watched(seed, failing=0.2)

    assert after is not None
    assert after < 80


@pytest.mark.parametrize("seed", range(5))
def test_a_version_that_is_slow_is_found_after_few_requests(seed: int) -> None:
    after = watched(seed, slow=0.6)

    assert after is not None
    assert after < 60


def test_a_version_that_does_no_worse_is_hardly_ever_taken_back() -> None:
    alarms = sum(watched(seed, failing=0.02, control_failing=0.02) is not None for seed in range(200))

    assert alarms <= 200 * ALPHA + 2


def test_half_as_many_slow_answers_again_are_tolerated() -> None:
    alarms = sum(watched(seed, slow=0.12) is not None for seed in range(100))

    assert alarms <= 100 * ALPHA + 2


def test_nothing_is_known_without_requests_of_both() -> None:
    test = SequentialTest()

    test.add(5, 100, 0, 0)

    assert test.odds == 1.0


def test_slow_is_what_takes_longer_than_usual_by_a_half_and_ten_milliseconds() -> None:
    quick = ClusterStats(100, 0, {1.0: (1.0, 80), 2.0: (1.0, 12), 3.0: (1.0, 8)})
    lazy = ClusterStats(100, 0, {100.0: (10.0, 95), 200.0: (10.0, 5)})

    assert slow_of(quick, 0.2) == pytest.approx(12.0)
    assert slow_of(lazy, 0.05) == pytest.approx(165.0)


def test_a_version_that_is_a_little_slower_because_it_has_less_to_do_is_kept() -> None:
    analysis = CanaryAnalysis()

    alarms = [
        analysis.look(
            ClusterStats(90 * look, 0, {1.0: (1.0, 88 * look), 3.0: (1.0, 2 * look)}),
            ClusterStats(10 * look, 0, {1.0: (1.0, 5 * look), 4.0: (1.0, 5 * look)}),
        )
        for look in range(1, 60)
    ]

    assert not any(alarms)


def test_figures_of_a_cluster_are_read_and_subtracted() -> None:
    def stats(answered: int, fast: int, slow: int) -> ClusterStats:
        bars = [{"lower_bound": 4, "width": 1, "count": fast}, {"lower_bound": 90, "width": 10, "count": slow}]
        stats = [
            {"name": "cluster.a.upstream_rq_completed", "value": answered},
            {"histograms": {"details": [{"name": "cluster.a.upstream_rq_time", "totals": bars}]}},
        ]
        return decode({"stats": stats}, ["a"])["a"]

    more = stats(120, 100, 20).since(stats(20, 20, 0))

    assert (more.answered, more.failed, more.timed) == (100, 0, 100)
    assert more.slower_than(50) == 20
    assert more.percentile_ms(99) == pytest.approx(99.5)
    assert ClusterStats.decode(more.encode()) == more
    assert stats(5, 5, 0).since(more).answered == 5  # Envoy was started anew
