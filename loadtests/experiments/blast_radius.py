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

from deploy.model.errors import DeployError
from deploy.model.parts import VARIANT
from deploy.stacks import is_offered, runner_for
from loadtests.engine.arm import Arm
from loadtests.engine.conditions import Condition, outside_up, stack_up
from loadtests.engine.study import Study
from loadtests.engine.timeline import NOTHING, Episode, StruckArm, Timeline
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments import blast_plots, blast_verdict
from loadtests.load.generator.record import read_rows
from loadtests.measure.impact import impact_of
from loadtests.measure.parties import Parties
from loadtests.report.result import Result

PLOTS = blast_plots.PLOTS

MIX = "faults"
RATE = 40.0
WARM_UP_S = 4.0
BULKHEADS = "orders:8,catalog:6,payments:2,notifications:2"
WEB_THREADS = "48"  # so that those who wait at a bulkhead take no thread from the others
# Longer than anybody waits at the edge (8 s): for a customer that is no deadline. The loops get free after it.
NO_DEADLINE_S = "20"


@dataclass(frozen=True)
class Break:
    """A fault of this experiment: what is injected, for how long, and whose journeys do not need what it takes."""

    name: str
    fault: str
    part: str = ""
    parameters: dict[str, float] = field(default_factory=dict)
    lasts_s: float = 12.0
    needs_broker: bool = False


CONDITIONS = (
    Condition("monolith", "monolith"),
    Condition(
        "monolith-bulkheads",
        "monolith",
        {"web": {"VARIANT": "bulkheads", "BULKHEADS": BULKHEADS, "WEB_THREADS": WEB_THREADS}},
    ),
    Condition("microservices", "microservices"),
    Condition(
        "services-bare",
        "microservices",
        {
            "orders": {VARIANT: "resilience_off", "INNER_TIMEOUT_S": NO_DEADLINE_S},
            "payments": {"PROVIDER_TIMEOUT_S": NO_DEADLINE_S},
        },
    ),
    Condition("colocated", "colocated"),
)
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
QUICK_ARMS = ("monolith", "microservices")
QUICK_BREAKS = ("provider-hanging", "payments-killed")  # the one that heals at once first: calm follows it


@dataclass(frozen=True)
class Times:
    """How long things last, in seconds. `fault_s` None: what each fault says."""

    calm_s: float
    after_s: float
    fault_s: float | None

    def episodes(self, breaks: Sequence[Break]) -> list[Episode]:
        """Return these faults one after the other, with calm before each."""
        episodes, at_s = [], self.calm_s
        for one in breaks:
            lasts_s = self.fault_s or one.lasts_s
            episodes.append(Episode(one.name, one.fault, at_s, lasts_s, one.part, one.parameters))
            at_s += lasts_s + self.calm_s
        return episodes

    def duration_s(self, episodes: Sequence[Episode]) -> float:
        """Return the length of the load."""
        return episodes[-1].starts_s + episodes[-1].lasts_s + self.after_s


def run(study: Study) -> Result:
    """Break one thing after the other in one arm after the other, and leave everything healed."""
    conditions = chosen(study, "arms", CONDITIONS, QUICK_ARMS)
    breaks = chosen(study, "faults", BREAKS, QUICK_BREAKS)
    given_s = study.options.get("fault_s")
    times = Times(4, 3, 5) if study.quick else Times(12, 8, None)
    times = Times(times.calm_s, times.after_s, float(given_s)) if given_s else times
    # In short, all faults of an arm share one run and one reconciliation; else each has its own.
    batches = [breaks] if study.quick else [[one] for one in breaks]
    study.narrator.plan(len(conditions) * len(batches))
    impacts: list[dict[str, Any]] = []
    with outside_up(study.budget):
        for condition in conditions:
            if not is_offered(condition.stack):
                study.notes.append(f"{condition.name} runs as processes, not in containers: it was left out.")
                continue
            if condition.stack == "colocated" and runner_for("microservices").status().up:
                study.notes.append("colocated is never up beside the services, which were up: it was left out.")
                continue
            with stack_up(condition, study.budget, armed=any(one.fault in _MISHAPS for one in breaks)) as runner:
                arm = Arm(condition.name, runner, Parties.of(runner), study.budget)
                for batch in batches:
                    fitting = [one for one in batch if condition.has_broker or not one.needs_broker]
                    if fitting:
                        impacts += strike(study, arm, times, fitting)
    study.notes.append(
        "Availability is judged by content. A 202 (payment_pending) is an accepted order. p99 counts failed requests "
        "too. CPU and memory are left out: parts that are killed take their counters with them. A run that is void "
        "because the generator was late keeps its place in the map of right answers, and has none in that of latencies."
    )
    return study.result(
        answer=blast_verdict.answer(impacts),
        comparison={},
        findings=blast_verdict.findings(impacts),
        next_command="make experiment NAME=blast-radius" if study.quick else "make experiment NAME=resilience",
        details={"impacts": impacts, "targets": blast_verdict.targets(impacts)},
    )


_MISHAPS = ("cpu-hog", "poison-request")


def chosen(study: Study, option: str, every: Sequence[Any], quick: Sequence[str]) -> list[Any]:
    """Return what `--set arms=a,b` names, else the short choice or everything. Raises DeployError."""
    known = {one.name: one for one in every}
    asked = study.options.get(option)
    names = asked.split(",") if asked else quick if study.quick else list(known)
    for name in names:
        if name not in known:
            raise DeployError(f"{option}: there is no '{name}'; there are {', '.join(known)}.")
    return [known[name] for name in names]


def strike(study: Study, arm: Arm, times: Times, breaks: Sequence[Break]) -> list[dict[str, Any]]:
    """Load one arm while these faults come and go; return what each did."""
    episodes = times.episodes(breaks)
    timeline = Timeline(arm.runner, episodes)
    struck_arm = StruckArm(arm.name, arm.runner, arm.parties, arm.budget, timeline)
    rate = float(study.options.get("rate", RATE))
    load = Load(rate, times.duration_s(episodes), WARM_UP_S, MIX)
    study.narrator.doing(f"{arm.name}: {', '.join(one.name for one in breaks)}")
    trial = run_trial(study, struck_arm, load, pair=1, seed=study.seed)
    run = trial.run
    # The parts' counters died with them, and latencies of calm and fault together say nothing.
    run.update({"cpu_ms_per_order": None, "cpu_ms_per_unit": None, "cpu_ms_by_part": {}, "histograms": {}})
    run.update({"latency_ms": None, "latency_ms_by_journey": {}})
    rows = read_rows(study.folder / run["raw"] / "requests.csv.gz")
    found, calm_from_s = [], 0.0
    for place, struck in enumerate(timeline.struck):
        next_s = timeline.struck[place + 1].began_s if place + 1 < len(timeline.struck) else load.duration_s
        impact = impact_of(rows, struck, calm_from_s=calm_from_s, until_s=next_s).as_dict()
        calm_from_s = struck.healed_s + 1
        closed_s = struck_arm.seen.get("books_closed_s") if place == len(timeline.struck) - 1 else None
        impact |= {"arm": arm.name, "run": run["number"], "books_closed_s": closed_s, "reconciled": run["reconciled"],
                   "void": run["void"], "rate": rate}  # fmt: skip
        found.append(impact)
        study.narrator.tell(blast_verdict.tell(impact))
    return found
