"""Schedules come out as the profile says, whatever its shape, and the same for the same seed."""

import numpy as np
import pytest

from loadtests.load.generator.profile import (
    BadProfile,
    Profile,
    Segment,
    constant,
    due_times,
    parse,
    ramp,
    spike,
    steps,
    trace,
)


def per_second(times, seconds):
    """Arrivals in each second."""
    return np.histogram(times, bins=seconds, range=(0, seconds))[0]


def test_constant_arrivals_are_evenly_spaced():
    times = due_times(constant(10, 3), "constant", seed=1)

    assert times == pytest.approx(np.arange(30) / 10 + 0.05)


def test_poisson_arrivals_have_the_rate_and_the_scatter_of_a_poisson_process():
    counts = per_second(due_times(constant(100, 2_000), "poisson", seed=1), 2_000)

    assert counts.mean() == pytest.approx(100, rel=0.01)
    assert counts.var() == pytest.approx(100, rel=0.1)


def test_gaps_between_poisson_arrivals_are_exponential():
    gaps = np.diff(due_times(constant(100, 1_000), "poisson", seed=2))

    assert np.mean(gaps > 0.01) == pytest.approx(np.exp(-1), abs=0.01)
    assert np.mean(gaps > 0.03) == pytest.approx(np.exp(-3), abs=0.005)


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_a_ramp_grows_in_a_straight_line(arrivals):
    counts = per_second(due_times(ramp(0, 1_000, 100), arrivals, seed=3), 100)

    assert counts.reshape(10, 10).sum(axis=1) == pytest.approx(np.arange(10) * 1_000 + 500, rel=0.15)


def test_a_falling_ramp_falls():
    counts = per_second(due_times(ramp(100, 0, 10), "constant", seed=1), 10)

    assert counts == pytest.approx(np.arange(95, 0, -10), abs=1)


def test_a_spike_is_as_high_and_as_long_as_asked():
    counts = per_second(due_times(spike(10, 200, at_s=3, for_s=2, duration_s=8), "constant", seed=1), 8)

    assert list(counts) == [10, 10, 10, 200, 200, 10, 10, 10]


def test_steps_follow_each_other():
    counts = per_second(due_times(steps([5, 10, 20], each_s=2), "constant", seed=1), 6)

    assert list(counts) == [5, 5, 10, 10, 20, 20]


def test_nothing_is_due_while_the_rate_is_zero():
    times = due_times(parse("10x2,0x5,10x2"), "poisson", seed=1)

    assert not np.any((times > 2) & (times < 7))
    assert np.any(times > 7)


def test_the_seed_decides_the_moments():
    profile = constant(50, 10)

    assert np.array_equal(due_times(profile, "poisson", 1), due_times(profile, "poisson", 1))
    assert not np.array_equal(due_times(profile, "poisson", 1), due_times(profile, "poisson", 2))


def test_a_trace_holds_each_rate_until_the_next_row(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text("second,rate\n0,10\n2,50\n3,0\n5,0\n")

    profile = trace(path)

    assert profile == Profile((Segment(10, 10, 2), Segment(50, 50, 1), Segment(0, 0, 2)))
    assert list(per_second(due_times(profile, "constant", seed=1), 5)) == [10, 10, 50, 0, 0]


@pytest.mark.parametrize("content", ["", "0,10\n", "0,10\n0,20\n", "0,-1\n1,0\n", "0,ten\n1,0\n", "0,1,2\n1,2,3\n"])
def test_a_trace_that_cannot_be_followed_is_refused(tmp_path, content):
    path = tmp_path / "bad.csv"
    path.write_text(content)

    with pytest.raises(BadProfile):
        trace(path)


@pytest.mark.parametrize("text", ["", "50", "50x", "x20", "-5x10", "50x10;60x10", "0x10", "1e9x1000"])
def test_a_profile_that_says_nothing_or_too_much_is_refused(text):
    with pytest.raises(BadProfile):
        parse(text)


@pytest.mark.parametrize("text", ["50x20", "50x20,500x5,50x20", "10-200x60", "0.5x10,0x3,1-2.25x7"])
def test_a_profile_reads_what_it_writes(text):
    assert str(parse(text)) == text


def test_a_warm_up_stands_in_front_at_the_first_rate():
    warmed = constant(50, 20).warmed(5)

    assert str(warmed) == "50x5,50x20"


def test_a_spike_needs_time_around_it():
    with pytest.raises(BadProfile):
        spike(10, 100, at_s=0, for_s=5, duration_s=20)
