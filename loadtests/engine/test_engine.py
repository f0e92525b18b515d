"""The engine: who is started beside whom, what a design takes, which verdicts stand, and what is said of claims."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from deploy.model.errors import Unsupported
from loadtests.engine import fresh_start, verdicts
from loadtests.engine.arm import BUILDS, Arm, ArmSpec
from loadtests.engine.budgets import Budget
from loadtests.engine.conduct import Options
from loadtests.engine.declaration import Declaration
from loadtests.engine.fresh_start import places_of
from loadtests.engine.loads import Cost, Waits
from loadtests.experiments.steady import EXPERIMENT
from loadtests.measure.replication import Spread
from loadtests.report.conftest import make_run
from loadtests.report.result import Run

ARMS = ("monolith", "monolith-twin", "microservices", "microservices-twin")
ONE = Declaration(
    costs=(Cost("order", "orders-only", "CPU per confirmed order"),), waits=(), noise=Spread(0.03, 0.1),
    claims={"C3": ("cpu_order_services_vs_monolith",)}, caveat="Of all differences.",
)  # fmt: skip


def runs_of(sessions: int, ratio: float, *, between: float = 0.01, twins: float = 1.0) -> list[Run]:
    """Sessions of four pairs; services cost `ratio` times as much, and the monolith's twin `twins` times as the arm."""
    chance = random.Random(3)
    runs: list[Run] = []
    for session in range(1, sessions + 1):
        starts = {arm: 1 + chance.uniform(-between, between) for arm in ARMS}
        for pair in range(1, 5):
            for arm in ARMS:
                factor = starts[arm] * (ratio if "micro" in arm else 1.0) * (twins if arm == ARMS[1] else 1.0)
                cost = 10 * factor * (1 + chance.uniform(-0.005, 0.005))
                build = arm.removesuffix("-twin")
                changes: dict[str, Any] = {"pair": pair, "session": session, "unit": "order", "cpu_ms_per_unit": cost}
                runs.append(make_run(build, len(runs) + 1, chance, **changes) | {"build": arm})
    return runs


def judged(runs: list[Run], *, enforced: bool = True) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    arms = [spec.name for spec in ONE.arms]
    gates = {(name, arm): verdicts.gate(runs, figure, arm) for name, figure in ONE.figures.items() for arm in arms}
    rows = verdicts.compare(runs, ONE.figures, ONE.pairs, gates, enforced=enforced)
    return dict(rows), verdicts.findings(ONE, rows)


def test_a_difference_that_repeats_over_sessions_with_equal_twins_supports_the_claim() -> None:
    rows, claims = judged(runs_of(4, 2.0))

    row = rows["cpu_order_services_vs_monolith"]
    assert (row["verdict"], row["sessions"], row["pairs"]) == ("higher", 4, 16)
    assert claims["C3"][0] == "supported"
    assert claims["C3"][1].endswith("over 4 sessions. Of all differences.")


def test_a_twin_that_costs_more_than_its_arm_withholds_the_verdict_of_both() -> None:
    rows, claims = judged(runs_of(4, 2.0, twins=1.2))

    assert rows["cpu_order_services_vs_monolith"]["verdict"] == "withheld"
    assert claims["C3"][0] == "not shown"


def test_twins_that_differ_from_start_to_start_fail_the_gate() -> None:
    figure = ONE.figures["cpu_order"]

    steady, erratic = (verdicts.gate(runs_of(4, 2.0, between=between), figure, "monolith") for between in (0.01, 0.2))

    assert steady is not None
    assert erratic is not None
    assert (steady.passed, erratic.passed) == (True, False)


def test_one_session_opens_no_gate() -> None:
    assert verdicts.gate(runs_of(1, 2.0), ONE.figures["cpu_order"], "monolith") is None


def test_arms_of_one_stack_run_in_places_of_their_own_and_the_first_of_all_together() -> None:
    specs = [one for spec in BUILDS for one in (spec, spec.twin)]

    places = places_of([*specs, ArmSpec("64 threads", "monolith")])

    names = [sorted(spec.name for spec in place) for place in places]
    assert names == [["microservices", "monolith"], ["microservices-twin", "monolith-twin"], ["64 threads"]]


def test_the_design_finds_what_is_declared_and_says_how_long_it_takes() -> None:
    design = EXPERIMENT.design

    assert design.sessions >= 3
    assert design.detects <= EXPERIMENT.detects
    assert EXPERIMENT.minutes(replace(design, sessions=2 * design.sessions)) == 2 * EXPERIMENT.minutes(design)
    assert replace(EXPERIMENT, noise=Spread(0.06, 0.1)).design.sessions > design.sessions


def test_a_percentile_is_of_its_own_mix_alone() -> None:
    declared = replace(ONE, waits=(Waits("browsing", ("list",)),))
    value = declared.figures["latency_list_p50"].value
    run = make_run("monolith", 1, random.Random(1))

    assert value(run | {"load": {"mix": "browsing"}}) == run["latency_ms_by_journey"]["list"]["p50"]
    assert value(run | {"load": {"mix": "ordering"}}) is None
    assert value(run) is None


class FakeStudy:
    quick = False

    def __init__(self, **options: str) -> None:
        self.options = options


@pytest.mark.parametrize(
    "options", [{"figures": "all of them"}, {"sessions": "1"}, {"pairs": "0"}, {"planted": "2"}, {"planted_in": "web"}]
)
def test_an_option_that_makes_no_sense_is_named(options: dict[str, str]) -> None:
    study: Any = FakeStudy(**options)

    with pytest.raises(Exception, match=next(iter(options))):
        Options.of(study, EXPERIMENT)


def test_containers_have_one_place_for_arms_of_different_stacks_and_none_for_twins(monkeypatch: Any) -> None:
    @contextlib.contextmanager
    def arms_up(names: list[str], _: Any, *, keep: bool) -> Iterator[dict[str, Arm]]:
        yield {name: Arm(name, *[None] * 3) for name in names}  # type: ignore[arg-type]

    monkeypatch.setattr(fresh_start, "on_containers", lambda: True)
    monkeypatch.setattr(fresh_start, "arms_up", arms_up)
    nobody = Budget(None, None)

    with fresh_start.started([ArmSpec("one", "monolith"), BUILDS[1]], nobody, random.Random(1)) as arms:
        assert {name: arm.name for name, arm in arms.items()} == {"one": "one", "microservices": "microservices"}
    with (
        pytest.raises(Unsupported, match="run as processes"),
        fresh_start.started([BUILDS[0], BUILDS[0].twin], nobody, random.Random(1)),
    ):
        pass
