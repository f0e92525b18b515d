"""Ratios come from pairs of valid runs only, and are withheld where no winner may be named."""

from __future__ import annotations

import random

import pytest

from loadtests.engine import pairing
from loadtests.report.conftest import make_run
from loadtests.report.result import Run


def runs_of(pairs: int, ratio: float, noise: float = 0.01) -> list[Run]:
    """Interleaved runs in which the services cost `ratio` times as much."""
    chance = random.Random(5)
    runs = []
    for pair in range(1, pairs + 1):
        for build, factor in (("monolith", 1.0), ("microservices", ratio)):
            cost = 10 * factor * (1 + chance.uniform(-noise, noise))
            runs.append(make_run(build, len(runs) + 1, chance, pair=pair, cpu_ms_per_order=cost))
    return runs


def test_the_ratio_and_its_interval_hold_the_truth() -> None:
    found = pairing.ratio(runs_of(8, 2.0), "monolith", "microservices", pairing.cpu_per_order, "CPU")

    assert found is not None
    assert found["low"] < 2.0 < found["high"]
    assert found["pairs"] == 8
    assert found["verdict"] == "higher"


def test_few_pairs_name_no_winner() -> None:
    found = pairing.ratio(runs_of(3, 2.0), "monolith", "microservices", pairing.cpu_per_order, "CPU")

    assert found is not None
    assert found["verdict"] == "too few pairs"


def test_what_is_withheld_stays_withheld_however_clear_it_is() -> None:
    found = pairing.ratio(
        runs_of(9, 5.0), "monolith", "microservices", pairing.cpu_per_order, "CPU", withhold=True
    )  # fmt: skip

    assert found is not None
    assert found["verdict"] == "withheld"


def test_a_void_run_makes_no_pair() -> None:
    runs = runs_of(4, 2.0)
    runs[2]["void"] = True

    assert len(pairing.pairs_of(runs, "monolith", "microservices", pairing.cpu_per_order).a) == 3


def test_one_pair_is_no_comparison() -> None:
    assert pairing.ratio(runs_of(1, 2.0), "monolith", "microservices", pairing.memory, "memory") is None


def test_a_journey_that_nobody_took_gives_no_figure() -> None:
    runs = runs_of(3, 2.0)

    assert pairing.ratio(runs, "monolith", "microservices", pairing.latency("p50", "cancel"), "x") is None
    assert pairing.ratio(runs, "monolith", "microservices", pairing.latency("p50", "order"), "x") is not None


def test_units_are_not_mixed() -> None:
    runs = runs_of(3, 2.0)
    runs[0]["unit"] = "list"

    pairs = pairing.pairs_of(runs, "monolith", "microservices", pairing.cpu_per_order, unit="mix")

    assert len(pairs.a) == len(pairs.b) == 2
    assert pairs.a == [pytest.approx(10, rel=0.02)] * 2


def test_pairs_of_several_starts_are_compared_start_by_start() -> None:
    runs = [run | {"session": session} for session in (1, 2, 3) for run in runs_of(4, 1 + session)]

    row = pairing.ratio(runs, "monolith", "microservices", pairing.cpu_per_order, "CPU")

    assert row is not None
    assert (row["sessions"], row["pairs"]) == (3, 12)
    assert row["spread_between"] > 10 * row["spread_within"]
    assert row["low"] < 2  # three starts that say 2, 3 and 4 times
    assert row["high"] > 4
    assert row["detects"] > 2


def test_a_percentile_that_hardly_a_request_lies_beyond_is_not_compared() -> None:
    runs = [run | {"requests_by_journey": {"order": 60, "list": 540}} for run in runs_of(4, 2.0)]

    p99 = {
        journey: pairing.pairs_of(runs, "monolith", "microservices", pairing.latency("p99", journey)).a
        for journey in ("order", "list")
    }

    assert (len(p99["order"]), len(p99["list"])) == (0, 4)
