"""What the experiments on cost and scale conclude from figures that were made up to show it."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.engine import ablation
from loadtests.engine.budgets import Budget
from loadtests.experiments import (
    bench,
    complexity,
    consistency,
    cores,
    crossover,
    growth,
    instrument,
    overhead_ladder,
    scaling,
    tracing,
)
from loadtests.experiments.growth import findings as growth_findings
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
    """Runs of a scaling experiment: goodput by replicas, memory by arm and replica."""
    chance = random.Random(1)
    return [
        make_run(
            arm.removesuffix("-routed"), 1, chance, unit="order", rate_achieved=orders_s,
            memory_mb_by_part={"all": memory[arm] * (replicas + 1)},
        )
        | {"build": arm, "factors": {"replicas": float(replicas)}}
        for arm, by_replicas in goodput.items()
        for replicas, orders_s in by_replicas.items()
    ]  # fmt: skip


def verdict_of(goodput: dict[str, dict[int, float]], memory: dict[str, float]) -> str:
    verdict, _ = scaling_findings.conclude(scaled(goodput, memory), {}, {}).findings["C2"]
    return verdict


@pytest.mark.parametrize(
    ("services_memory", "services_goodput", "verdict"),
    [(80.0, 11.0, "supported"), (120.0, 11.0, "refuted"), (80.0, 8.0, "refuted")],
)
def test_scaling_one_part_counts_only_if_it_is_not_dearer(
    services_memory: float, services_goodput: float, verdict: str
) -> None:
    goodput = {"monolith": {1: 2.8, 4: 11.0}, "microservices": {1: 2.8, 4: services_goodput}}

    assert verdict_of(goodput, {"monolith": 100.0, "microservices": services_memory}) == verdict


def test_services_are_judged_against_the_better_of_the_monoliths() -> None:
    goodput = {"monolith": {1: 9.0, 4: 11.0}, "monolith-routed": {4: 19.0}, "microservices": {1: 2.8, 4: 11.0}}

    assert verdict_of(goodput, {"monolith": 100.0, "monolith-routed": 100.0, "microservices": 80.0}) == "refuted"


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_all_arms_have_as_much_quota_in_sum(replicas: int) -> None:
    sums = {arm: replicas * scaling.hot_share(arm, replicas) + len(cold) * scaling.SHARE
            for arm, cold in scaling.COLD.items()}  # fmt: skip

    assert list(sums.values()) == pytest.approx([(replicas + 3) * scaling.SHARE] * 3)
    assert scaling.hot_share("microservices", replicas) == pytest.approx(scaling.SHARE)


def test_a_lighter_replica_catches_up_some_day_and_a_heavier_one_never() -> None:
    def points(first: float, each: float) -> list[dict[str, Any]]:
        return [{"replicas": n, "memory_mb": first + each * (n - 1)} for n in (1, 4)]

    lighter = {"monolith": points(200, 130), "microservices": points(500, 80)}
    heavier = {"monolith": points(200, 80), "microservices": points(500, 80)}

    assert scaling_findings.same_memory_at(lighter) == pytest.approx(7.0)
    assert scaling_findings.same_memory_at(heavier) is None


def test_two_replicas_show_nothing() -> None:
    goodput = {build: {1: 2.8, 2: 5.5} for build in scaling_findings.BUILDS}

    assert verdict_of(goodput, {"monolith": 1, "microservices": 1}) == "not shown"


def test_every_part_goes_up_and_comes_back_to_one() -> None:
    plan = list(itertools.islice(targets(["payments", "catalog"]), 8))

    assert [replicas for part, replicas in plan if part == "payments"] == [2, 3, 2, 1]
    assert plan[3] == ("payments", 1)
    assert plan[7] == ("catalog", 1)


def test_on_n_cores_each_part_has_n_replicas_and_the_control_of_more_processes_twice_as_many() -> None:
    def replicas_of(arm: str, size: int) -> dict[str, int]:
        scaled_to: dict[str, int] = {}
        parts = [SimpleNamespace(name=name, scalable=name != "db") for name in ("web", "web-orders", "db")]
        runner = SimpleNamespace(
            pin=lambda _: None, scale=scaled_to.__setitem__, stack=SimpleNamespace(parts=parts),
            status=lambda: SimpleNamespace(instances=[SimpleNamespace(part=part.name) for part in parts]),
        )  # fmt: skip
        budget = Budget(tuple(range(size)), (9,))
        with cores.on_cores(SimpleNamespace(name=arm, runner=runner, budget=budget), size):  # type: ignore[arg-type]
            return scaled_to

    assert replicas_of("monolith", 1) == {}
    assert replicas_of("monolith-twin", 4) == {"web": 4, "web-orders": 4}
    assert replicas_of("monolith-replicas", 2) == {"web": 4, "web-orders": 4}
    assert replicas_of("monolith-replicas", 8) == {"web": 8, "web-orders": 8}  # as many as a part can have


def test_the_sizes_of_a_build_are_those_that_the_machine_has() -> None:
    cells = cores.declaration(5).cells(cores.declaration(5).design)

    assert {cell.point["cores"] for cell in cells} == {1.0, 2.0, 4.0}
    assert {cell.arm.name for cell in cells} >= {"monolith", "monolith-replicas", "monolith-routed", "microservices"}


def facts_of(monolith_ms: float, services_ms: float) -> consistency.Facts:
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
    assert consistency.findings(facts_of(monolith_ms, services_ms))["C6"][0] == verdict


def test_too_few_watched_orders_say_nothing() -> None:
    few: Any = facts_of(5.0, 80.0)
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
    def ratio(value: float) -> Any:
        return {"ratio": value, "low": value / 1.1, "high": value * 1.1, "verdict": "higher"}

    comparison = {
        "cpu_shopping_services_vs_monolith": ratio(2.0), "cold_p95_shopping_services_vs_monolith": ratio(1.1),
        "cpu_ordering_risk_ms_80_services_vs_monolith": ratio(0.93),
        "cold_p95_ordering_risk_ms_80_services_vs_monolith": ratio(0.2),
    }  # fmt: skip
    concluded = crossover.conclude([], comparison, {})
    figures: Any = crossover.crossover({"comparison": comparison})  # type: ignore[typeddict-item]

    first, second = concluded.answer
    assert "Of 2 cells an answer clearly takes less CPU in the monolith in 1, in the services in 0" in first
    assert "wait less in the services in 1, in the monolith in 0" in first
    assert "At 50% orders of 80 ms" in second
    assert "wait 0.20 times (0.18 to 0.22) as long" in second
    assert [one["name"] for one in figures["views"]] == ["CPU per answer", "p95 of product pages"]
    assert figures["views"][0]["data"][0]["text"][3][3].startswith("<b>0.930*</b>")


def test_the_map_has_every_cell_and_its_figures_are_those_of_the_grid() -> None:
    declared = crossover.EXPERIMENT
    whole = declared.cells(declared.design)

    assert len([cell for cell in whole if not cell.arm.name.endswith("-twin")]) == 2 * 4 * 4
    assert len(crossover.cells({f"{name}_services_vs_monolith": {} for name in declared.figures}, "goodput")) == 16  # type: ignore[typeddict-item]


def grown_run(number: int, build: str, products: int, list_ms: float, order_ms: float) -> Run:
    run = make_run(build, number, random.Random(1), pair=1, unit="order", cpu_ms_per_order=order_ms)
    slower = 2.0 if products > 1000 else 1.0  # the machine is busier then
    medians = {"list": list_ms * slower, growth_findings.PLACING: order_ms, growth_findings.REFUSAL: slower}
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

    grown = growth_findings.ratios(runs)
    one, other, orders = growth_findings.answer(grown)

    assert "1 of 1 kinds" in one
    assert "0 of 1 kinds" in other
    assert "list (4.00 times)" in other
    assert "1.10 times (1.10 in CPU) at 1,000,000 products" in orders
    assert growth_findings.compare(grown)["worst_page_microservices_products"]["ratio"] == pytest.approx(4.0)


def test_the_interval_of_a_median_goes_by_ranks() -> None:
    low, high = growth.median_interval([float(number) for number in range(21)])

    assert (low, high) == (6.0, 14.0)
