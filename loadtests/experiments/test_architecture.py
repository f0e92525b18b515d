"""What the experiments on cost and scale conclude from figures that were made up to show it."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.engine import ablation
from loadtests.experiments import (
    bench,
    complexity,
    consistency,
    crossover,
    growth,
    instrument,
    overhead_ladder,
    scaling,
    tracing,
)
from loadtests.experiments.scaling import findings as scaling_findings
from loadtests.experiments.scaling.replica_changes import targets
from loadtests.measure.agreement import FACTS
from loadtests.report import summary
from loadtests.report.conftest import make_run
from loadtests.report.result import Run

COSTS = {"monolith": 6.0, "monolith-fastapi": 6.5, "colocated": 9.0, "direct": 11.0, "microservices": 12.0}
NAMES = list(COSTS)


def rungs(costs: dict[str, float], rounds: int = 8, unit: str = "order") -> list[Run]:
    """Slices of a ladder whose rungs cost this much, with a little noise that is common to a round."""
    chance = random.Random(1)
    runs: list[Run] = []
    for round_ in range(1, rounds + 1):
        drift = chance.uniform(0.9, 1.1)
        for name, cost in costs.items():
            cpu = cost * drift * chance.uniform(0.99, 1.01)
            run = make_run("monolith", len(runs) + 1, chance, pair=round_, unit=unit, cpu_ms_per_unit=cpu)
            runs.append({**run, "build": name})
    return runs


LADDER = overhead_ladder.EXPERIMENT


def test_the_steps_of_a_ladder_add_up() -> None:
    concluded = overhead_ladder.conclude(rungs(COSTS), {})

    ladder = concluded.details["ladder"]["order"]
    assert [step["b"] for step in ladder["steps"]] == NAMES[1:]
    assert all(step["low"] > 0 for step in ladder["steps"])
    total = ladder["base"] + sum(step["added"] for step in ladder["steps"])
    assert total == pytest.approx(summary.mean_cpu_ms(rungs(COSTS), "microservices", "order"), abs=0.002)


def test_a_dearer_network_without_longer_waits_supports_nothing() -> None:
    figures = ablation.compare(rungs(COSTS), LADDER.contrasts)

    verdict, _ = overhead_ladder.conclude(rungs(COSTS), figures).findings["C3"]

    assert figures["cpu_order_direct_vs_colocated"]["verdict"] == "higher"
    assert verdict == "not shown"


def test_the_promise_of_the_ladder_is_on_the_whole_and_on_no_single_step() -> None:
    figures = ablation.compare(rungs(COSTS), LADDER.contrasts)

    assert [name for name, row in figures.items() if "target" in row] == ["cpu_order_microservices_vs_monolith"]


def test_a_monolith_that_equals_itself_passes_the_gate_and_one_that_does_not_names_nobody() -> None:
    good = ablation.gate_of(rungs({"monolith": 6.0, "monolith-again": 6.0}), LADDER)
    bad = ablation.gate_of(rungs({"monolith": 6.0, "monolith-again": 7.5}), LADDER)

    assert good is not None
    assert good["passed"]
    assert bad is not None
    assert not bad["passed"]
    withheld = ablation.compare(rungs(COSTS), LADDER.contrasts, withhold=True)
    assert {row["verdict"] for row in withheld.values()} == {"withheld"}


def test_a_list_does_not_pass_between_services() -> None:
    lists = next(work for work in LADDER.works if work.unit == "list")

    assert lists.variants == ("monolith", "monolith-fastapi", "colocated", "microservices")


@pytest.mark.parametrize("declared", [LADDER, tracing.EXPERIMENT, instrument.EXPERIMENT, bench.EXPERIMENT])
def test_rounds_follow_from_what_is_to_be_found_and_contrasts_are_of_variants(declared: ablation.Ablation) -> None:
    names = {variant.name for variant in declared.variants}

    assert {name for one in declared.contrasts for name in (one.a, one.b)} <= names
    assert {name for pair in declared.twins for name in pair} <= names
    assert replace(declared, detects=declared.detects**0.5).rounds > declared.rounds


def scaled(goodput: dict[str, dict[int, float]], memory: dict[str, float]) -> list[Run]:
    """Runs of a scaling experiment: goodput by replicas, memory by build and replica."""
    chance = random.Random(1)
    return [
        make_run(
            build.removesuffix("-equal"), 1, chance, pair=replicas, unit="order", rate_achieved=orders_s,
            memory_mb_by_part={"all": memory[build] * (replicas + 1)},
        )
        | {"build": build}
        for build, by_replicas in goodput.items()
        for replicas, orders_s in by_replicas.items()
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("services_memory", "services_goodput", "verdict"),
    [(80.0, 11.0, "supported"), (120.0, 11.0, "refuted"), (80.0, 8.0, "refuted")],
)
def test_scaling_one_part_counts_only_if_it_is_not_dearer(
    services_memory: float, services_goodput: float, verdict: str
) -> None:
    runs = scaled(
        {"monolith": {1: 2.8, 4: 11.0}, "microservices": {1: 2.8, 4: services_goodput}},
        {"monolith": 100.0, "microservices": services_memory},
    )
    points = {build: scaling_findings.curve(runs, build) for build in scaling_findings.BUILDS}

    assert scaling_findings.findings(points)["C2"][0] == verdict


def test_services_are_judged_against_a_monolith_with_as_much_quota_in_sum() -> None:
    goodput = {"monolith": {1: 2.8, 4: 11.0}, "monolith-equal": {4: 19.0}, "microservices": {1: 2.8, 4: 11.0}}
    runs = scaled(goodput, {"monolith": 100.0, "monolith-equal": 100.0, "microservices": 80.0})
    points = {build: scaling_findings.curve(runs, build) for build in goodput}

    figures = scaling_findings.compare(runs, points)

    assert scaling_findings.findings(points)["C2"][0] == "refuted"
    assert figures["goodput_services_vs_monolith"]["ratio"] == pytest.approx(1.0)
    assert figures["goodput_services_vs_monolith-equal"]["ratio"] == pytest.approx(11 / 19)


def test_the_control_has_the_quota_of_all_services_in_sum() -> None:
    arms: Any = {name: SimpleNamespace(name=name) for name in scaling.HOT}

    fewer, most = (scaling.points_of(arms, replicas, 4, 0.15) for replicas in (3, 4))

    sums = {point.name: point.replicas * point.share for point in most}
    assert sums["monolith-equal"] == pytest.approx(sums["microservices"] + scaling.OTHERS * 0.15)
    assert [point.name for point in fewer] == ["monolith", "microservices"]


def test_a_lighter_replica_catches_up_some_day_and_a_heavier_one_never() -> None:
    def points(first: float, each: float) -> list[dict[str, Any]]:
        return [{"replicas": n, "memory_mb": first + each * (n - 1)} for n in (1, 4)]

    lighter = {"monolith": points(200, 130), "microservices": points(500, 80)}
    heavier = {"monolith": points(200, 80), "microservices": points(500, 80)}

    assert scaling_findings.same_memory_at(lighter) == pytest.approx(7.0)
    assert scaling_findings.same_memory_at(heavier) is None


def test_two_replicas_show_nothing() -> None:
    runs = scaled({build: {1: 2.8, 2: 5.5} for build in scaling_findings.BUILDS}, {"monolith": 1, "microservices": 1})
    points = {build: scaling_findings.curve(runs, build) for build in scaling_findings.BUILDS}

    assert scaling_findings.findings(points)["C2"][0] == "not shown"


def test_every_part_goes_up_and_comes_back_to_one() -> None:
    plan = list(itertools.islice(targets(["payments", "catalog"]), 8))

    assert [replicas for part, replicas in plan if part == "payments"] == [2, 3, 2, 1]
    assert plan[3] == ("payments", 1)
    assert plan[7] == ("catalog", 1)


def told(monolith_ms: float, services_ms: float) -> consistency.Facts:
    """Medians of all facts, over enough orders."""
    builds = {"monolith": monolith_ms, "microservices": services_ms}
    return {
        build: {fact: {"count": 100, "p50": ms, "p95": ms, "p99": ms, "max": ms} for fact in FACTS}
        for build, ms in builds.items()
    }


@pytest.mark.parametrize(
    ("monolith_ms", "services_ms", "verdict"),
    [(5.0, 80.0, "supported"), (5.0, 6.0, "refuted"), (90.0, 95.0, "not shown")],
)
def test_eventual_means_later_than_at_once(monolith_ms: float, services_ms: float, verdict: str) -> None:
    assert consistency.findings(told(monolith_ms, services_ms))["C6"][0] == verdict


def test_too_few_watched_orders_say_nothing() -> None:
    few: Any = told(5.0, 80.0)
    few["monolith"]["stock sold"]["count"] = 3

    assert consistency.findings(few) == {}


COUNTED = {
    "lines of code": 2000.0, "processes": 11, "ports": 4, "database servers": 1, "settings": 20, "transactions": 2,
    "start time s": 1.5, "parts an order needs": 3,
}  # fmt: skip


def test_less_of_everything_is_simpler_and_one_exception_is_told() -> None:
    more = {name: value * 2 for name, value in COUNTED.items()}

    assert complexity.findings({"monolith": COUNTED, "microservices": more})["C5"][0] == "supported"
    verdict, evidence = complexity.findings({"monolith": COUNTED, "microservices": more | {"settings": 1}})["C5"]
    assert verdict == "not shown"
    assert "less of: settings" in evidence


def test_a_cell_is_told_only_where_it_is_clear() -> None:
    cells = [
        {"cost_ms": 0, "mix": "shopping", "share": 0.05, "goodput": 0.5, "per_core": 0.5, "cold_p99": 1.1},
        {"cost_ms": 80, "mix": "ordering", "share": 0.5, "goodput": 1.05, "per_core": 1.07, "cold_p99": 0.2},
    ]

    first, second = crossover.answer(cells)

    assert "busy core in 1, the services in 0" in first
    assert "in the services in 1, in the monolith in 0" in first
    assert "1.1 times the goodput of a busy core and 0.20 times the p99" in second


def grown_run(number: int, build: str, products: int, list_ms: float, order_ms: float) -> Run:
    run = make_run(build, number, random.Random(1), pair=1, unit="order", cpu_ms_per_order=order_ms)
    slower = 2.0 if products > 1000 else 1.0  # the machine is busier then
    medians = {"list": list_ms * slower, growth.PLACING: order_ms, growth.REFUSAL: slower}
    latency = {name: {"p50": ms, "p95": ms, "p99": ms, "max": ms} for name, ms in medians.items()}
    factors = {"products": products, "median_low_ms": medians, "median_high_ms": medians}
    return {**run, "factors": factors, "latency_ms_by_journey": latency}  # type: ignore[typeddict-item]


def test_growth_names_the_pages_that_take_more_than_three_times_as_long() -> None:
    runs = [
        grown_run(1, "monolith", 1000, 2.0, 10.0),
        grown_run(2, "monolith", 1_000_000, 5.0, 11.0),
        grown_run(3, "microservices", 1000, 2.0, 20.0),
        grown_run(4, "microservices", 1_000_000, 8.0, 22.0),
    ]

    grown = growth.ratios(runs)
    one, other, orders = growth.answer(grown)

    assert "1 of 1 kinds" in one
    assert "0 of 1 kinds" in other
    assert "list (4.00 times)" in other
    assert "1.10 times (1.10 in CPU) at 1,000,000 products" in orders
    assert growth.compare(grown)["worst_page_microservices_products"]["ratio"] == pytest.approx(4.0)


def test_the_interval_of_a_median_goes_by_ranks() -> None:
    low, high = growth.median_interval([float(number) for number in range(21)])

    assert (low, high) == (6.0, 14.0)
