"""The search finds a capacity, believes no border that held once, and ends."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from loadtests.engine.generator import GeneratorFailed
from loadtests.engine.search import MAX_TRIES, PRECISION, Search
from loadtests.experiments import three_rulers
from loadtests.experiments.capacity import P99_MS, answer, compare, fails_anyway, holds
from loadtests.load.generator.watch import LATE
from loadtests.report.conftest import make_run


def searched(capacity: float, start: float) -> Search:
    """A search on a build that holds up to exactly this rate."""
    search = Search(start)
    while not search.done:
        rate = search.next_rate()
        search.tell(rate, good=rate <= capacity)
    return search


@pytest.mark.parametrize(("capacity", "start"), [(200, 100), (200, 199), (200, 900), (35, 20), (777, 60)])
def test_the_border_is_found_within_its_precision(capacity: float, start: float) -> None:
    search = searched(capacity, start)

    held = search.highest_held
    assert held is not None
    assert capacity / PRECISION <= held <= capacity
    assert search.held[held] >= 2
    assert search.tries <= MAX_TRIES


def test_a_border_that_fails_when_tested_again_is_given_up() -> None:
    search = Search(100)
    search.tell(100, good=True)
    search.tell(105, good=False)
    assert search.next_rate() == 100

    search.tell(100, good=False)

    assert search.highest_held is None
    assert search.next_rate() < 100
    assert not search.done


def test_a_build_that_takes_nothing_ends_the_search() -> None:
    search = searched(0, 100)

    assert search.highest_held is None
    assert search.done


def test_a_search_ends_even_where_chance_decides() -> None:
    chance = random.Random(3)
    search = Search(100)
    while not search.done:
        search.tell(search.next_rate(), good=chance.random() < 0.5)

    assert search.tries <= MAX_TRIES


def test_a_void_run_is_no_failure_of_the_build() -> None:
    search = Search(100)
    search.tell_void()

    assert search.next_rate() == 100
    assert search.lowest_failed == float("inf")


def test_a_search_in_which_every_run_is_void_ends_without_a_capacity() -> None:
    search = Search(100)
    while not search.done:
        search.tell_void()

    assert not search.found
    assert compare({("shopping", "monolith"): search, ("shopping", "microservices"): search}, ("shopping",)) == {}


def test_the_bounds_of_the_ratio_are_what_failed() -> None:
    searches = {("shopping", "monolith"): searched(300, 100), ("shopping", "microservices"): searched(150, 100)}

    row = compare(searches, ("shopping",))["capacity_shopping_services_vs_monolith"]

    assert row["low"] <= 0.5 <= row["high"]
    assert row["low"] <= row["ratio"] <= row["high"]


def test_what_was_found_is_told_and_what_was_not_is_said() -> None:
    sentences = answer({"shopping": {"monolith": 743.0, "microservices": 348.0}, "browsing": {"microservices": 641.0}})

    assert "743/s (Monolith) and 348/s (Microservices)" in sentences[0]
    assert "641/s (Microservices)" in sentences[0]
    assert sentences[1].startswith("Not every capacity was found")
    assert answer({"shopping": {}})[0].startswith("Not every capacity was found")


def test_a_run_holds_only_if_it_was_in_time_and_right() -> None:
    run = make_run("monolith", 1, random.Random(1))
    assert holds(run)

    for spoilt in ({"reconciled": False}, {"error_share": 0.01}, {"latency_ms": None}):
        assert not holds({**run, **spoilt})  # type: ignore[typeddict-item]


def test_a_late_generator_saves_no_build_that_was_too_slow_by_more_than_that() -> None:
    late = f"{LATE}: p99 of the lag 36.6 ms"

    def void(p99_ms: float, *reasons: str) -> bool:
        run = make_run("monolith", 1, random.Random(1))
        latency = {"p50": 1.0, "p95": 2.0, "p99": p99_ms, "max": p99_ms}
        return fails_anyway(
            {**run, "latency_ms": latency, "generator": {"lag_ms": {"max": 60.0}}, "void_reasons": list(reasons)}  # type: ignore[typeddict-item]
        )

    assert void(P99_MS + 61, late)
    assert not void(P99_MS + 59, late)
    assert not void(P99_MS + 61, late, "the generator's core was saturated: 99 % of it used")


def test_locusts_own_figures_are_read(tmp_path: Path) -> None:
    path = tmp_path / "locust_stats.csv"
    path.write_text("Type,Name,Max Response Time,50%,95%,99%\nGET,GET /products,9,1,2,3\n,Aggregated,2001.5,12,50,90\n")

    assert three_rulers.read_locust(path) == {"p50": 12.0, "p95": 50.0, "p99": 90.0, "max": 2001.5}


def test_locust_without_figures_is_a_failure_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(GeneratorFailed, match="no such host"):
        three_rulers.read_locust(tmp_path / "none.csv", "no such host")
