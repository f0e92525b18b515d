"""Deploy under load: a new version of one part is rolled out while customers shop.

Question: What does it cost to roll out a new version of one part, and does a customer notice?

Hypothesis: With two replicas nobody notices in either build, for the edge drains a replica before it is stopped; with
one, the monolith is away as a whole and the services lose only what that part does. A service starts about as slowly
as the monolith, but its change touches fewer lines, one image of four, and fewer tests.

Load: Open arrivals (Poisson) at one rate of the mix `shopping`. A third into the load the part gets a new setting, as a
new version would be given one, and its replicas are restarted one after the other.

What is held equal: The same rate, seed, products, cores and length; the same way to restart: drained, stopped in good
order, started, ready, told to the edge. CPU of a start is taken from the counters of the new processes, without load.

How to read it: Failed requests first, then how long the rollout took and what CPU it spent. What a change touches is
counted from Dockerfiles and folders: images that hold the file, lines in them, tests that may notice it. Release habits
of teams, which the claim is about as well, cannot be measured by a program.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from deploy.runner.interface import Runner
from loadtests.engine.arm import Arm
from loadtests.engine.conditions import Condition, outside_up, stack_up
from loadtests.engine.study import Study
from loadtests.engine.timeline import StruckArm, Timeline
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments import deploy_plots
from loadtests.experiments.blast_radius import chosen
from loadtests.experiments.touched import touched_by
from loadtests.load.generator.record import FAILED, read_rows
from loadtests.measure.impact import ACT_OF
from loadtests.measure.parties import Parties
from loadtests.report.result import Result
from loadtests.report.words import number, sentence_of_list

PLOTS = deploy_plots.PLOTS

MIX = "shopping"
RATE = 40.0
WARM_UP_S = 3.0
SETTING = "RELEASE"  # nobody reads it: the change is that there is one


@dataclass(frozen=True)
class Rollout:
    """A part of a stack that gets a new version, with so many replicas, and the file that was changed for it."""

    name: str
    stack: str
    part: str
    replicas: int
    change: str
    build: str


ROLLOUTS = (
    Rollout("monolith-in-place", "monolith", "web", 1, "monolith/payments/charges.py", "monolith"),
    Rollout("monolith-rolling", "monolith", "web", 2, "monolith/payments/charges.py", "monolith"),
    Rollout("payments-in-place", "microservices", "payments", 1, "microservices/payments/charges.py", "microservices"),
    Rollout("payments-rolling", "microservices", "payments", 2, "microservices/payments/charges.py", "microservices"),
    Rollout("catalog-rolling", "microservices", "catalog", 2, "microservices/catalog/products.py", "microservices"),
)
QUICK = ("monolith-rolling", "payments-rolling")
SHARED_CHANGE = "shared/domain/payment.py"


def run(study: Study) -> Result:
    """Roll out one part after the other, first without load, then with it."""
    rollouts: list[Rollout] = chosen(study, "rollouts", ROLLOUTS, QUICK)
    study.narrator.plan(len(rollouts))
    found: list[dict[str, Any]] = []
    with outside_up(study.budget):
        for rollout in rollouts:
            with stack_up(Condition(rollout.name, rollout.stack), study.budget) as runner:
                found.append(_measured(study, rollout, runner))
    touched = [touched_by(one.change, one.build).as_dict() for one in {r.change: r for r in rollouts}.values()]
    touched += [
        touched_by(SHARED_CHANGE, build).as_dict() | {"build": build} for build in ("monolith", "microservices")
    ]
    return study.result(
        answer=answer(found, touched),
        comparison={},
        findings={"C4": verdict(found, touched)},
        next_command="make experiment NAME=deploy" if study.quick else "",
        details={"rollouts": found, "touched": touched},
    )


def _measured(study: Study, rollout: Rollout, runner: Runner) -> dict[str, Any]:
    if rollout.replicas > 1:
        runner.scale(rollout.part, rollout.replicas)
    try:
        idle_s, cpu_s = _roll_out(runner, rollout, "idle")
        return _under_load(study, rollout, runner) | {"idle_s": idle_s, "start_cpu_s": cpu_s}
    finally:
        runner.configure(rollout.part, {SETTING: None})
        if rollout.replicas > 1:
            runner.scale(rollout.part, 1)


def _roll_out(runner: Runner, rollout: Rollout, version: str) -> tuple[float, float]:
    """Return how long it took, and the CPU seconds that the new processes had used when it was done."""
    began = time.monotonic()
    runner.configure(rollout.part, {SETTING: version})
    took_s = time.monotonic() - began
    return took_s, next(part.cpu_s for part in runner.stats(memory=False) if part.part == rollout.part)


class _RollingOut(Timeline):
    """A timeline whose only event is a rollout."""

    def __init__(self, runner: Any, rollout: Rollout, at_s: float) -> None:
        super().__init__(runner, ())
        self._rollout, self._at_s = rollout, at_s
        self.from_s = self.to_s = 0.0

    def _run(self) -> None:
        self._wait_until(self._origin + self._at_s)
        began = time.monotonic()
        _roll_out(self._runner, self._rollout, "loaded")
        self.healed_at = time.monotonic()
        self.from_s, self.to_s = began - self._origin, self.healed_at - self._origin


def _under_load(study: Study, rollout: Rollout, runner: Any) -> dict[str, Any]:
    duration_s = 15.0 if study.quick else 30.0
    timeline = _RollingOut(runner, rollout, duration_s / 3)
    arm = Arm(rollout.name, runner, Parties.of(runner), study.budget)
    struck_arm = StruckArm(arm.name, arm.runner, arm.parties, arm.budget, timeline)
    rate = float(study.options.get("rate", RATE))
    run = run_trial(study, struck_arm, Load(rate, duration_s, WARM_UP_S, MIX), pair=1, seed=study.seed).run
    run.update({"cpu_ms_by_part": {}, "cpu_ms_per_order": None, "cpu_ms_per_unit": None})
    rows = [row for row in read_rows(study.folder / run["raw"] / "requests.csv.gz") if row.due_s >= 0]
    failed = [row for row in rows if row.outcome in FAILED]
    found = {
        "name": rollout.name, "build": rollout.build, "part": rollout.part, "replicas": rollout.replicas,
        "run": run["number"], "requests": len(rows), "failed": len(failed),
        "failed_by_act": dict(Counter(ACT_OF[row.journey] for row in failed)),
        "answers_of_failed": dict(Counter(f"{row.status} {row.code}".strip() for row in failed)),
        "pending": sum(row.code == "payment_pending" for row in rows),
        "orders": sum(row.journey == "order" for row in rows),
        "took_s": timeline.to_s - timeline.from_s, "reconciled": run["reconciled"],
    }  # fmt: skip
    study.narrator.tell(tell(found))
    return found


def tell(found: dict[str, Any]) -> str:
    """Return a rollout in one line."""
    by_act = ", ".join(f"{act} {count}" for act, count in found["failed_by_act"].items())
    which = f" ({by_act})" if by_act else ""
    return (
        f"  {found['name']:<18} {found['failed']} of {found['requests']} requests failed{which}, "
        f"{found['pending']} orders were left pending, the rollout took {found['took_s']:.1f} s"
    )


def verdict(found: list[dict[str, Any]], touched: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the verdict about C4 and its evidence."""
    evidence = "; ".join(
        f"{one['name']}: {one['failed']} of {one['requests']} failed, {one['pending']} orders pending, "
        f"{one['took_s']:.1f} s under load, {number(one['start_cpu_s'])} s of CPU to start"
        for one in found
    )
    sizes = "; ".join(
        f"{one['change']} is in {len(one['images'])} image(s) of {one['lines']:,} lines and "
        f"may be noticed by {one['unit_tests']} unit tests"
        for one in touched
    )
    evidence = f"{evidence}. {sizes}."
    services = [one for one in found if one["build"] == "microservices" and one["replicas"] > 1]
    if not services:
        return "not measured", evidence
    return ("supported" if all(one["failed"] == 0 for one in services) else "not shown"), evidence


def answer(found: list[dict[str, Any]], touched: list[dict[str, Any]]) -> list[str]:
    """Return the two sentences on top of the report."""
    told = [f"{one['name']} {one['failed']} of {one['requests']} in {one['took_s']:.1f} s" for one in found]
    lines = {one["change"]: one["lines"] for one in touched if one["change"] != SHARED_CHANGE}
    sizes = [f"{change} ships {count:,} lines" for change, count in lines.items()]
    return [f"Requests that failed while a new version was rolled out: {sentence_of_list(told)}.",
            f"What a change ships: {sentence_of_list(sizes)}."]  # fmt: skip
