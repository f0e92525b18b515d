"""CPU of one order and of one list: the database's floor, the monolith, the services, and the services in one process.

Question: How much CPU does one confirmed order, and one list of 20 products, cost above the SQL it cannot do without?

Hypothesis: A confirmed order costs the monolith at most 12 times the floor and a list at most 25 times; the services
need at most 3 times the monolith's CPU for an order and 1.5 times for a list. Colocated, the services are in between:
what is left of the difference is the framework and the split of the database, what is gone is the network.

Load: Alternating slices of about 5 s over all arms, order and list apart, in rounds of random order; the first round
warms up and is not counted. Each arm works as fast as it can for the same number of clients (a closed loop: this is
about cost, not about waiting). The floor is pgbench with all the SQL that one confirmed order causes in the monolith:
both transactions, the idempotency key, the mail job.

What is held equal: The same cores for each arm, the same number of clients, the same products, the same machine within
the same minute. All arms are up and warm at once; an idle one takes under 2 % of a core, and nothing of it is counted
for another. CPU is that of all parts of an arm, until its mails and events are done. The floor is the CPU of the
PostgreSQL server alone.

How to read it: Ratios of CPU per unit of work, over rounds, each with its 95 % interval. The floor is no shop: it
checks no token, speaks no HTTP, charges nobody.
"""

from __future__ import annotations

import random

from loadtests.engine import generator, journeys_core, pairing, slices
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.floor import Floor
from loadtests.engine.study import PRODUCTS, Study
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import number, sentence_of_list, times

ARMS = ("monolith", "microservices", "colocated")
UNITS = {"order": "orders-only", "list": "lists-only"}
CLIENTS = 8
ROUNDS, QUICK_ROUNDS = 8, 5
SLICE_S, QUICK_SLICE_S = 5.0, 2.0
SHORT = {"floor": "floor", "monolith": "monolith", "microservices": "services", "colocated": "colocated"}
# (b, a) -> {unit: target}: what the project promises about the ratio, where it promises something
PAIRS: dict[tuple[str, str], dict[str, float]] = {
    ("monolith", "floor"): {"order": 12, "list": 25},
    ("microservices", "monolith"): {"order": 3, "list": 1.5},
    ("colocated", "monolith"): {},
    ("microservices", "colocated"): {},
}


def run(study: Study) -> Result:
    """Measure all arms in one interleaved run, and check the books at its end."""
    rounds, slice_s = (QUICK_ROUNDS, QUICK_SLICE_S) if study.quick else (ROUNDS, SLICE_S)
    plan = [(unit, build) for unit in UNITS for build in ("floor", *ARMS)]
    study.narrator.plan(1 + (rounds + 1) * len(plan) + len(ARMS))
    chance = random.Random(study.seed)
    with arms_up(ARMS, study.budget, keep=False) as arms:
        proof = journeys_core.prove(arms, study.folder / "journeys.log")
        study.narrator.done(f"all arms behave the same: {proof}")
        for arm in arms.values():
            arm.fresh_data(PRODUCTS)
        floor = Floor(arms["monolith"].runner, PRODUCTS)
        floor.set_up()
        try:
            for number_ in range(rounds + 1):
                for unit, build in chance.sample(plan, len(plan)):
                    _slice(study, arms.get(build), floor, unit=unit, round_=number_, slice_s=slice_s)
        finally:
            floor.take_down()
        _reconcile(study, arms)
    figures = compare(study.runs)
    study.notes.append(f"{rounds} rounds were counted and one before them was not; {CLIENTS} clients each.")
    return study.result(answer=answer(figures), comparison=figures, findings=findings(figures))


def _slice(
    study: Study, arm: Arm | None, floor: Floor, *, unit: str, round_: int, slice_s: float
) -> None:  # fmt: skip
    """Load one arm (None: the floor) for one slice; round 0 only warms up."""
    build = arm.name if arm else "floor"
    study.narrator.doing(f"Round {round_}: {build}, {unit}")
    share = 0.0
    details: dict[str, float] = {}
    counted: dict[str, dict[str, int]] = {}
    if arm is None:
        done = floor.run(unit, clients=CLIENTS, duration_s=slice_s, cores=study.budget.other)
        units, spent, wall_s = done.units, done.spent, done.wall_s
        details["pgbench_cpu_ms"] = round(done.pgbench_cpu_ms, 1)
    else:
        folder = study.folder / "raw" / f"{round_}-{build}-{unit}"
        order = generator.closed_loop(
            arm.runner.address, arm.parties.identity, folder, clients=CLIENTS, duration_s=slice_s,
            mix=UNITS[unit], seed=study.seed + round_, cores=study.budget.other,
        )  # fmt: skip
        measured = arm.load(order, memory=False)
        summary, spent, counted = measured.summary, measured.spent, measured.counted
        units = summary["orders_confirmed"] if unit == "order" else summary["outcomes"].get("ok", 0)
        wall_s = summary["duration_s"]
        share = 1 - units / summary["requests"] if summary["requests"] else 1.0
    if round_ == 0:
        study.narrator.done()
        return
    row = slices.costs(study.next_number, build, unit, round_, units, spent, wall_s, share)
    row["generator"] = details
    row["counted"] = counted
    study.runs.append(row)
    cost = number(row["cpu_ms_per_unit"])
    study.narrator.done(f"round {round_}  {unit:<5} {build:<14} {cost} ms CPU, {row['rate_achieved']:.0f}/s")


def _reconcile(study: Study, arms: dict[str, Arm]) -> None:
    for name, arm in arms.items():
        histories = (study.folder / "raw").glob(f"*-{name}-order/orders.jsonl")
        last = [run for run in study.runs if run["build"] == name and run["unit"] == "order"][-1]
        close_books(study, arm, histories, last)


def compare(runs: list[Run]) -> dict[str, Ratio]:
    """Return CPU per unit of work, arm over arm, round by round."""
    figures = {}
    for (b, a), targets in PAIRS.items():
        for unit in UNITS:
            what = f"CPU per {'confirmed order' if unit == 'order' else 'list of 20'}"
            figures[f"cpu_{unit}_{SHORT[b]}_vs_{SHORT[a]}"] = pairing.ratio(
                runs, a, b, pairing.cpu_per_unit, what, unit=unit, target=targets.get(unit)
            )
    return pairing.present(figures)


def answer(figures: dict[str, Ratio]) -> list[str]:
    """Return the answer in two sentences."""
    needed = [f"cpu_order_{pair}" for pair in ("monolith_vs_floor", "services_vs_monolith", "services_vs_colocated")]
    if not all(name in figures for name in needed):
        return ["Too few valid slices to say anything."]
    floor, services, network = (figures[name] for name in needed)
    above = [row for row in figures.values() if "target" in row and row["ratio"] > row["target"]]
    kept = "All that is promised of these ratios holds" if not above else (
        f"{len(above)} of {sum('target' in row for row in figures.values())} promised ratios are exceeded: "
        + sentence_of_list([f"{row.get('what')} of {row.get('b')} over {row.get('a')}" for row in above])
    )  # fmt: skip
    return [
        f"A confirmed order costs the monolith {times(floor)} the CPU of its bare SQL, "
        f"and the services {times(services)} the CPU of the monolith.",
        f"Spread over four processes the services take {times(network)} the CPU of the same services in one. {kept}.",
    ]


def findings(figures: dict[str, Ratio]) -> dict[str, tuple[str, str]]:
    """Return what this says about the claims: C3, by the services against themselves in one process."""
    row = figures.get("cpu_order_services_vs_colocated")
    if row is None:
        return {}
    verdict = {"higher": "supported", "lower": "refuted"}.get(row.get("verdict", ""), "not shown")
    evidence = (
        f"Cost: spread over processes, the same services take {times(row)} the CPU per confirmed order that they take "
        f"in one process, over {row.get('pairs')} rounds. Latency is not measured here."
    )
    return {"C3": (verdict, evidence)}
