"""The grid of a declaration: which runs a session has, in which order they give way, and what is compared."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.engine import cells as measured
from loadtests.engine import hot_and_cold, registry, verdicts
from loadtests.engine.arm import ArmSpec
from loadtests.engine.budgets import Budget
from loadtests.engine.cells import Cells
from loadtests.engine.declaration import Cell, Declaration
from loadtests.engine.factor import Factor
from loadtests.engine.hot_and_cold import Pair
from loadtests.engine.loads import Waits
from loadtests.engine.progress import ProgressReporter
from loadtests.engine.study import Study
from loadtests.engine.warm_generator import WarmGenerator
from loadtests.experiments.latency_curve import EXPERIMENT as CURVE
from loadtests.measure.latency import LatencyHistogram
from loadtests.measure.replication import Design, Spread
from loadtests.report.conftest import make_run
from loadtests.report.figures import all_figures
from loadtests.report.result import write


@contextlib.contextmanager
def nothing(_: Any, __: float) -> Iterator[None]:
    yield


ONE, OTHER = ArmSpec("monolith", "monolith"), ArmSpec("microservices", "microservices")
GRID = Declaration(
    noise=Spread(0.05, 0.1),
    waits=(Waits("ordering", ("order", "list"), 5.0, 1.0, share=0.5, curve=(0.2, 0.8), is_fresh=False),),
    factors=(Factor("db_ms", (0.0, 5.0), nothing), Factor("hop_ms", (0.0, 1.0), nothing, stacks=("microservices",))),
)
DESIGN = Design(sessions=3, pairs=1, detects=1.5)


def names(cells: list[Cell]) -> list[tuple[str, float, float, float]]:
    return [(cell.arm.name, cell.share, cell.point["db_ms"], cell.point["hop_ms"]) for cell in cells]


def test_twins_are_measured_at_the_base_and_a_factor_only_where_it_changes_anything() -> None:
    cells = names(GRID.cells(DESIGN))

    assert {cell for cell in cells if cell[0].endswith("-twin")} == {
        ("monolith-twin", 0.5, 0.0, 0.0),
        ("microservices-twin", 0.5, 0.0, 0.0),
    }
    assert {hop for arm, _, _, hop in cells if arm == "monolith"} == {0.0}
    assert sum(arm == "microservices" for arm, *_ in cells) == 3 * 2 * 2
    assert len(cells) == len(set(cells))


def test_what_does_not_fit_is_what_is_farthest_from_the_base() -> None:
    whole = GRID.cells(DESIGN)
    tight = replace(GRID, most_minutes=GRID.minutes(DESIGN, whole) - 0.1)
    tighter = replace(GRID, most_minutes=0.1)

    assert set(names(whole)) - set(names(tight.cells(DESIGN))) == {("microservices", 0.8, 5.0, 1.0)}
    assert {(share, db, hop) for _, share, db, hop in names(tighter.cells(DESIGN))} == {(0.5, 0.0, 0.0)}


def test_the_curve_fits_into_a_quarter_of_an_hour_and_has_each_distance() -> None:
    design = CURVE.design
    cells = CURVE.cells(design)

    assert CURVE.minutes(design, cells) <= 15
    assert {cell.share for cell in cells if not any(cell.point.values())} == {0.25, 0.5, 0.75}
    assert {tuple(cell.point.values()) for cell in cells} >= {(0, 0), (0, 1), (0, 5), (1, 0), (5, 0)}
    assert {name.rpartition("_services")[0] for name in CURVE.headlines} <= set(CURVE.figures)


def test_an_arm_that_a_factor_does_not_change_is_compared_by_its_base() -> None:
    figure = GRID.figures["latency_order_p50_hop_ms_1"]
    sent = {"load": {"mix": "ordering", "share": 0.5}}

    def run(build: str, db_ms: float, hop_ms: float) -> Any:
        return make_run(build, 1, random.Random(1)) | sent | {"factors": {"db_ms": db_ms, "hop_ms": hop_ms}}

    assert figure.gate == "latency_order_p50"
    assert figure.value(run("monolith", 0.0, 0.0)) is not None
    assert figure.value(run("microservices", 0.0, 1.0)) is not None
    assert figure.value(run("microservices", 0.0, 0.0)) is None
    assert figure.value(run("microservices", 5.0, 1.0)) is None
    assert figure.value(run("microservices", 0.0, 1.0) | {"load": {"mix": "ordering", "share": 0.8}}) is None
    assert "latency_list_p50_hop_ms_1" not in GRID.figures


def test_every_cell_is_run_once_under_its_point_and_what_a_value_came_to_is_measured_once(monkeypatch: Any) -> None:
    now: dict[tuple[str, str], float] = {}

    @contextlib.contextmanager
    def held(arm: Any, value: float) -> Iterator[None]:
        now[arm.name, "db_ms"] = value
        yield
        del now[arm.name, "db_ms"]

    declared = replace(GRID, factors=(Factor("db_ms", (0.0, 5.0), held, measured=lambda arm: {"now_ms": arm.ms}),))
    study: Any = SimpleNamespace(runs=[], folder=Path(), quick=False)
    seen: list[tuple[str, float]] = []

    def run(study_: Any, arm: Any, load: Any, **_: Any) -> None:
        seen.append((arm.name, load.rate))
        one = make_run("monolith", len(seen), random.Random(1), requests_by_journey={})
        study_.runs.append(one | {"now": now[arm.name, "db_ms"]})

    monkeypatch.setattr(measured, "once_more_if_void", run)
    cells = declared.cells(DESIGN)
    rates = {("ordering", "monolith"): 50.0, ("ordering", "microservices"): 50.0}
    session = Cells(study, declared, cells, rates, Pair(WarmGenerator(Path()), WarmGenerator(Path())))
    arms: Any = {cell.arm.name: SimpleNamespace(name=cell.arm.name, ms=1.0) for cell in cells}

    session.measure(arms, generate=lambda *_: {}, seed=1)

    assert sorted(seen) == sorted((cell.arm.name, 50.0 * cell.share / 0.5) for cell in cells)
    assert all(run["factors"]["db_ms"] == run["now"] for run in study.runs)
    assert sorted((row["arm"], row["value"]) for row in session.measured) == [
        ("microservices", 0.0), ("microservices", 5.0), ("monolith", 0.0), ("monolith", 5.0),
    ]  # fmt: skip


def test_a_hot_load_has_its_clients_for_each_replica() -> None:
    load = hot_and_cold.Load(3, "orders-only", 12.0, 10.0, for_each="replicas")

    assert load.at({"replicas": 4.0}).clients == 12
    assert hot_and_cold.Load(16, "rush", 30.0, 4.0).at({"risk_ms": 20.0}).clients == 16
    assert (load.unit, hot_and_cold.Load(16, "rush", 30.0, 4.0).unit) == ("order", "mix")


def test_sessions_of_the_curve_come_to_an_answer_a_claim_and_plots(tmp_path: Path) -> None:
    chance, runs = random.Random(1), []
    for session in range(1, 5):
        for cell in CURVE.cells(CURVE.design):
            slow = {"microservices": 2.0, "monolith": 0.8}.get(cell.arm.stack, 1.0) * (1 + cell.point["hop_ms"] / 5)
            ms = [10 * slow * chance.uniform(0.98, 1.02)] * 200
            latency = {"p50": ms[0], "p95": ms[0], "p99": ms[0], "max": ms[0]}
            one = make_run("monolith", len(runs) + 1, chance, rate_target=100 * cell.share, unit="mix")
            own: Any = {
                "build": cell.arm.name, "session": session, "pair": 1, "factors": dict(cell.point),
                "load": {"mix": "ordering", "share": cell.share}, "latency_ms_by_journey": {"order": latency},
                "requests_by_journey": {"order": 200}, "histograms": {"order": LatencyHistogram.of(ms).encode()},
            }  # fmt: skip
            runs.append(one | own)
    budget = Budget((0,), (1,))
    study = Study(registry.find("latency-curve"), tmp_path, budget, ProgressReporter(), runs=runs)
    distances = [{"factor": "hop_ms", "value": 5.0, "arm": "microservices", "straight_ms": 0.3, "now_ms": 10.4}]

    outcome = verdicts.result(
        study, CURVE, [arm.name for arm in CURVE.arms], {("ordering", "monolith"): 50.0}, planted=False,
        measured=distances,
    )  # fmt: skip

    write(outcome, tmp_path)
    rows = outcome["comparison"]
    assert rows["latency_order_p50_services_vs_colocated"]["ratio"] == pytest.approx(2.0, rel=0.03)
    assert rows["latency_order_p50_hop_ms_5_services_vs_monolith"]["ratio"] == pytest.approx(5.0, rel=0.03)
    assert rows["latency_order_p50_hop_ms_5_services_vs_monolith"]["verdict"] == "higher"
    assert {one["id"]: one["verdict"] for one in outcome["claims"]}["C3"] == "supported"
    assert "5 ms between services, Microservices over Colocated: 4.0 times" in outcome["answer"][0]
    titles = [drawn["title"] for drawn in all_figures(outcome)]
    assert titles[:3] == ["Latency against load", "What the factors came to", "How many times as much"]
