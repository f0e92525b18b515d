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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy.runner.interface import Runner
from loadtests.engine.arm import Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.generator import Beside
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments.deploy import plots
from loadtests.experiments.deploy.touched import touched_by
from loadtests.load.generator.record import FAILED
from loadtests.measure.impact import ACT_OF
from loadtests.report.claims import NOT_MEASURED, NOT_SHOWN, SUPPORTED
from loadtests.report.headline import Headline, share_of
from loadtests.report.result import Result, detail
from loadtests.report.words import count_of, number, sentence_of_list

PLOTS = plots.PLOTS


def headline(result: Result) -> Headline | None:
    """Requests that failed in each rollout."""
    rollouts: Sequence[dict[str, Any]] = detail(result, "rollouts") or ()
    values = tuple(share_of(one["name"], one["failed"], one["requests"]) for one in rollouts)
    basis = "One rollout of each under load. With 0 failed, the interval's end is what may have been missed."
    return Headline("requests that failed while a new version was rolled out", "%", values, basis) if values else None


HEADLINES = {"C4": headline}
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
    planned: list[Rollout] = study.chosen("rollouts", ROLLOUTS, QUICK)
    study.progress.plan(len(planned))
    rollouts: list[dict[str, Any]] = []
    with outside_up(study.budget):
        for rollout in planned:
            with arm_up(ArmSpec(rollout.name, rollout.stack), study.budget) as arm:
                rollouts.append(_measured(study, rollout, arm))
    changes = {rollout.change: rollout.build for rollout in planned}
    touched = [touched_by(change, build).as_dict() for change, build in changes.items()]
    touched += [touched_by(SHARED_CHANGE, build).as_dict() | {"build": build}
                for build in ("monolith", "microservices")]  # fmt: skip
    return study.result(
        answer=answer(rollouts, touched),
        comparison={},
        findings={"C4": verdict(rollouts, touched)},
        next_command="make experiment NAME=deploy" if study.quick else "",
        details={"rollouts": rollouts, "touched": touched},
    )


def _measured(study: Study, rollout: Rollout, arm: Arm) -> dict[str, Any]:
    runner, several = arm.runner, rollout.replicas > 1
    if several:
        runner.scale(rollout.part, rollout.replicas)
    try:
        idle_s, cpu_s = _roll_out(runner, rollout, "idle")
        return _under_load(study, rollout, arm) | {"idle_s": idle_s, "start_cpu_s": cpu_s}
    finally:
        runner.configure(rollout.part, {SETTING: None})
        if several:
            runner.scale(rollout.part, 1)


def _roll_out(runner: Runner, rollout: Rollout, version: str) -> tuple[float, float]:
    """Return how long it took, and the CPU seconds that the new processes had used when it was done."""
    began = time.monotonic()
    runner.configure(rollout.part, {SETTING: version})
    took_s = time.monotonic() - began
    return took_s, next(part.cpu_s for part in runner.stats(memory=False) if part.part == rollout.part)


def _under_load(study: Study, rollout: Rollout, arm: Arm) -> dict[str, Any]:
    duration_s = 15.0 if study.quick else 30.0
    took_s: list[float] = []

    def roll_out(load: Beside) -> None:
        load.wait_until(duration_s / 3)
        took_s.append(_roll_out(arm.runner, rollout, "loaded")[0])

    load = Load(float(study.options.get("rate", RATE)), duration_s, WARM_UP_S, "shopping")
    trial = run_trial(study, arm, load, pair=1, seed=study.seed, meanwhile=roll_out)
    trial.drop_costs()
    rows = [row for row in trial.rows() if row.due_s >= 0]
    failed = [row for row in rows if row.outcome in FAILED]
    outcome = {
        "name": rollout.name, "build": rollout.build, "part": rollout.part, "replicas": rollout.replicas,
        "run": trial.run["number"], "requests": len(rows), "failed": len(failed),
        "failed_by_act": dict(Counter(ACT_OF[row.journey] for row in failed)),
        "answers_of_failed": dict(Counter(f"{row.status} {row.code}".strip() for row in failed)),
        "pending": sum(row.code == "payment_pending" for row in rows),
        "orders": sum(row.journey == "order" for row in rows),
        "took_s": took_s[0], "reconciled": trial.run["reconciled"],
    }  # fmt: skip
    study.progress.tell(tell(outcome))
    return outcome


def tell(rollout: dict[str, Any]) -> str:
    """Return a rollout in one line."""
    by_act = ", ".join(f"{act} {count}" for act, count in rollout["failed_by_act"].items())
    which = f" ({by_act})" if by_act else ""
    return (
        f"  {rollout['name']:<18} {rollout['failed']} of {rollout['requests']} requests failed{which}, "
        f"{rollout['pending']} orders were left pending, the rollout took {rollout['took_s']:.1f} s"
    )


def verdict(rollouts: Sequence[dict[str, Any]], touched: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Return the verdict about C4 and its evidence."""
    evidence = "; ".join(
        f"{one['name']}: {count_of(one['failed'], one['requests'])} failed, {one['pending']} orders pending, "
        f"{one['took_s']:.1f} s under load, {number(one['start_cpu_s'])} s of CPU to start"
        for one in rollouts
    )
    sizes = "; ".join(
        f"{one['change']} is in {len(one['images'])} image(s) of {one['lines']:,} lines and "
        f"may be noticed by {one['unit_tests']} unit tests"
        for one in touched
    )
    evidence = f"{evidence}. {sizes}."
    services = [one for one in rollouts if one["build"] == "microservices" and one["replicas"] > 1]
    if not services:
        return NOT_MEASURED, evidence
    return (SUPPORTED if all(one["failed"] == 0 for one in services) else NOT_SHOWN), evidence


def answer(rollouts: Sequence[dict[str, Any]], touched: Sequence[dict[str, Any]]) -> list[str]:
    """Return the two sentences on top of the report."""
    failed = [f"{one['name']} {count_of(one['failed'], one['requests'])} in {one['took_s']:.1f} s" for one in rollouts]
    lines = {one["change"]: one["lines"] for one in touched if one["change"] != SHARED_CHANGE}
    sizes = [f"{change} ships {count:,} lines" for change, count in lines.items()]
    return [f"Requests that failed while a new version was rolled out: {sentence_of_list(failed)}.",
            f"What a change ships: {sentence_of_list(sizes)}."]  # fmt: skip
