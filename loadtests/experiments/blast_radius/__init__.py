"""Blast radius: what the failure of one thing does to everything else.

Question: When one part of the shop fails, what can customers still do, and how soon is all well again?

Hypothesis: Killing payments takes the whole monolith down and leaves the services selling (202). A provider that hangs
takes threads from a monolith, and bulkheads keep that to the orders. The services owe part of their isolation to
deadlines and fallbacks, and the arm without them shows how much. What shares a process shares its crash: colocated.

Load: Open arrivals (Poisson) at one rate of the mix `faults`: 25 % orders, 5 % cancels, the rest browsing, search and
one's own pages. Calm, then the fault, then calm again. `nothing` is the control: the same timeline, nothing broken.

What is held equal: The same rate, seed, products, cores and length for all arms; the same fault at the same place: a
module's process where it has one of its own, the process that holds it where it does not; fresh data before each run.

How to read it: Rows are faults and what customers do, columns are arms. A cell is the share of requests that were
answered rightly during the fault, judged by their content. Compare latencies with the control `nothing` first: what
moves there is the machine. Books are reconciled after each run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.model.parts import VARIANT
from deploy.stacks import is_offered, runner_for
from loadtests.engine.arm import Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.study import Study
from loadtests.engine.timeline import NOTHING, Episode, Timeline
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments.blast_radius import findings, plots
from loadtests.measure.impact import impact_of
from loadtests.report.result import Result

PLOTS = plots.PLOTS
HEADLINES = {"C1": findings.headline}
RATE = 40.0
WARM_UP_S = 4.0
BULKHEADS = "orders:8,catalog:6,payments:2,notifications:2"
WEB_THREADS = "48"  # so that those who wait at a bulkhead take no thread from the others
# Longer than anybody waits at the edge (8 s): for a customer that is no deadline. The loops get free after it.
NO_DEADLINE_S = "20"


@dataclass(frozen=True)
class Break:
    """A fault of this experiment: what is injected where, and for how long."""

    name: str
    fault: str
    part: str = ""
    parameters: dict[str, float] = field(default_factory=dict)
    lasts_s: float = 12.0
    needs_broker: bool = False


ARMS = (
    ArmSpec("monolith", "monolith"),
    ArmSpec("monolith-bulkheads", "monolith",
              {"web": {VARIANT: "bulkheads", "BULKHEADS": BULKHEADS, "WEB_THREADS": WEB_THREADS}}),
    ArmSpec("microservices", "microservices"),
    ArmSpec("services-bare", "microservices", {
        "orders": {VARIANT: "resilience_off", "INNER_TIMEOUT_S": NO_DEADLINE_S},
        "payments": {"PROVIDER_TIMEOUT_S": NO_DEADLINE_S},
    }),
    ArmSpec("colocated", "colocated"),
)  # fmt: skip
BREAKS = (
    Break(NOTHING, NOTHING, lasts_s=30),
    Break("payments-killed", "kill", "payments", lasts_s=30),
    Break("provider-hanging", "provider-hanging", lasts_s=30),
    Break("catalog-database-killed", "kill", "catalog-db"),
    Break("notifications-killed", "kill", "notifications"),
    Break("broker-away", "broker-away", needs_broker=True),
    Break("hog-in-payments", "cpu-hog", "payments", {"ms": 300}),
    Break("poison-search", "poison-request", "catalog", {"every_s": 1}),
)
ARMED = ("cpu-hog", "poison-request")  # faults that a module itself commits
QUICK_ARMS = ("monolith", "microservices")
QUICK_BREAKS = ("provider-hanging", "payments-killed")  # the one that heals at once first: calm follows it


def run(study: Study) -> Result:
    """Break one thing after the other in one arm after the other, and leave everything healed."""
    arms = study.chosen("arms", ARMS, QUICK_ARMS)
    breaks = study.chosen("faults", BREAKS, QUICK_BREAKS)
    # In short, all faults of an arm share one run and one reconciliation; else each has its own.
    batches = [breaks] if study.quick else [[one] for one in breaks]
    study.progress.plan(len(arms) * len(batches))
    impacts: list[dict[str, Any]] = []
    with outside_up(study.budget):
        for condition in arms:
            if not is_offered(condition.stack):
                study.notes.append(f"{condition.name} runs as processes, not in containers: it was left out.")
                continue
            if condition.stack == "colocated" and runner_for("microservices").status().up:
                study.notes.append("colocated is never up beside the services, which were up: it was left out.")
                continue
            with arm_up(condition, study.budget, armed=any(one.fault in ARMED for one in breaks)) as arm:
                for batch in batches:
                    if fitting := [one for one in batch if condition.has_broker or not one.needs_broker]:
                        impacts += measure(study, arm, fitting)
    study.notes.append(
        "Availability is judged by content. A 202 (payment_pending) is an accepted order. p99 counts failed requests "
        "too. CPU and memory are left out: parts that are killed take their counters with them. A run that is void "
        "because the generator was late keeps its place in the map of right answers, and has none in that of latencies."
    )
    return study.result(
        answer=findings.answer(impacts),
        comparison={},
        findings=findings.claims(impacts),
        next_command=f"make experiment NAME={'blast-radius' if study.quick else 'resilience'}",
        details={"impacts": impacts, "targets": findings.targets(impacts)},
    )


def measure(study: Study, arm: Arm, breaks: Sequence[Break]) -> list[dict[str, Any]]:
    """Load one arm while these faults come and go, with calm between; return what each did."""
    calm_s, after_s = (4.0, 3.0) if study.quick else (12.0, 8.0)
    fixed_s = float(study.options.get("fault_s", 5 if study.quick else 0))
    episodes, ends_s = [], 0.0
    for one in breaks:
        episodes.append(Episode(one.name, one.fault, ends_s + calm_s, fixed_s or one.lasts_s, one.part, one.parameters))
        ends_s += calm_s + episodes[-1].lasts_s
    timeline = Timeline(arm.runner, episodes)
    load = Load(float(study.options.get("rate", RATE)), ends_s + after_s, WARM_UP_S, "faults")
    trial = run_trial(study, arm, load, pair=1, seed=study.seed, meanwhile=timeline)
    trial.drop_costs(latencies=True)
    rows, run = trial.rows(), trial.run
    impacts: list[dict[str, Any]] = []
    calm_from_s = 0.0
    for window, after in zip(timeline.windows, [*timeline.windows[1:], None], strict=True):
        impact = impact_of(rows, window, calm_from_s=calm_from_s, until_s=after.began_s if after else load.duration_s)
        calm_from_s = window.healed_s + 1
        impacts.append(impact.as_dict() | {
            "arm": arm.name, "run": run["number"], "reconciled": run["reconciled"], "void": run["void"],
            "rate": load.rate, "books_closed_s": None if after else trial.closed_at - timeline.healed_at,
        })  # fmt: skip
        study.progress.tell(findings.tell(impacts[-1]))
    return impacts
