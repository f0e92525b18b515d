"""Another language: one service is exchanged for the same one in TypeScript on Node, and back, while customers buy.

Question: Can one service be exchanged for one in another language while the shop sells, and what does that choice cost?

Hypothesis: With two replicas no request fails and no mail is lost: versions in both languages read the same messages
and write the same table, and the edge drains one replica after the other. What an order costs the part hardly changes;
what is dear is that all which the other services have from a common kit has to be written again.

Load: Open arrivals (Poisson) at one rate of the mix `faults`: 25 % orders, the rest browsing and one's own pages, the
messages too. A run with the service as it is (Python), one in whose middle its replicas are exchanged one after the
other, and back, and one with the service in Node.

What is held equal: Rate, seed, products, cores and length; messages, routes, table, settings and replicas of the
service; everything else runs on.

How to read it: Failed requests and the books first: notifications and mails are compared with the orders, by content,
after each run, so that one that was lost in between is a broken promise. CPU and memory are of the exchanged part
alone, in a single pass: a direction. In the monolith nothing of the kind can be tried: its modules share a process, and
so a language; what its whole framework costs is what `framework` asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.model.errors import Unsupported
from deploy.model.home import REPOSITORY
from deploy.model.parts import VARIANT
from deploy.runner import node
from deploy.stacks import on_containers
from loadtests.engine.arm import Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.generator import Beside, nothing
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, run_trial
from loadtests.load.generator.record import FAILED
from loadtests.measure import inventory
from loadtests.report.claims import NOT_SHOWN, SUPPORTED
from loadtests.report.headline import Headline, share_of
from loadtests.report.plot import Figure, axes, bars, figure, view
from loadtests.report.result import Result, detail
from loadtests.report.words import count_of, number, sentence_of_list

PART = "notifications"
NODE = "notifications_node"
REPLICAS = 2
RATE, WARM_UP_S = 40.0, 3.0
ARMS = {"python": "Python", "exchanged": "exchanged and back", "node": "Node"}  # in the order in which they are run
SERVICES = REPOSITORY / "microservices"
LINES = {"TypeScript": node.SERVICE / "src", "Python": SERVICES / PART, "kit": SERVICES / "kit"}
Measured = Sequence[Mapping[str, Any]]


def run(study: Study) -> Result:
    """Measure the service in Python, exchanged under load, and in Node."""
    if on_containers():
        raise Unsupported("There is no image of the service in Node: leave --on compose or kubernetes out.")
    node.find()
    node.build()  # npm may fetch packages: not while the shop waits for a replica
    study.progress.plan(len(ARMS))
    with outside_up(study.budget), arm_up(ArmSpec("python", "microservices"), study.budget) as arm:
        arm.runner.scale(PART, REPLICAS)
        try:
            measured = [_measured(study, arm, name) for name in ARMS]
        finally:
            arm.runner.configure(PART, {VARIANT: None})
            arm.runner.scale(PART, 1)
    lines = {name: _lines(folder) for name, folder in LINES.items()}
    return study.result(
        answer=answer(measured, lines), comparison={}, findings={"C10": finding(measured, lines)},
        next_command="make experiment NAME=another-language" if study.quick else "",
        details={"languages": measured, "lines": lines},
    )  # fmt: skip


def _measured(study: Study, arm: Arm, name: str) -> dict[str, Any]:
    duration_s = 12.0 if study.quick else 40.0
    took_s: list[float] = []

    def exchange(load: Beside) -> None:
        for third, variant in enumerate((NODE, None), 1):
            load.wait_until(third * duration_s / 3)
            began_s = load.now_s
            arm.runner.configure(PART, {VARIANT: variant})
            took_s.append(load.now_s - began_s)

    if name == "node":
        arm.runner.configure(PART, {VARIANT: NODE})
    load = Load(RATE, duration_s, WARM_UP_S, "faults")
    arm = Arm(f"services-{name}", arm.runner, arm.parties, arm.budget)
    meanwhile = exchange if name == "exchanged" else nothing
    trial = run_trial(study, arm, load, pair=1, seed=study.seed, meanwhile=meanwhile)
    rows, run = [row for row in trial.rows() if row.due_s >= 0], trial.run
    of_part = run["cpu_ms_by_part"].get(PART, 0.0) / max(1, run["orders_confirmed"])
    if took_s:
        trial.drop_costs()
    return {
        "name": name, "requests": len(rows), "failed": sum(row.outcome in FAILED for row in rows), "took_s": took_s,
        "orders": run["orders_confirmed"], "books": run["reconciled"], "void": run["void"],
        "cpu_ms_per_order": None if took_s else of_part, "memory_mb": run["memory_mb_by_part"].get(PART),
    }  # fmt: skip


def _lines(folder: Path) -> int:
    """Return how many lines that are not blank the service's own files have, tests left out."""
    paths = [
        path for path in (*folder.glob("*.ts"), *folder.glob("*.py")) if not inventory.NOT_THE_SHOP.search(path.name)
    ]
    return sum(bool(line.strip()) for path in paths for line in path.read_text("utf-8").splitlines())


def answer(measured: Measured, lines: Mapping[str, int]) -> list[str]:
    """Return the answer in two sentences."""
    python, exchanged, other = measured
    took = sentence_of_list([f"{seconds:.1f} s" for seconds in exchanged["took_s"]])
    return [
        f"{count_of(exchanged['failed'], exchanged['requests'])} requests failed while {PART} went from Python to Node "
        f"and back ({took}), and the books were {'right' if exchanged['books'] else 'WRONG'}.",
        f"An order takes the part {number(python['cpu_ms_per_order'])} ms of CPU in Python and "
        f"{number(other['cpu_ms_per_order'])} ms in Node, {REPLICAS} replicas {number(python['memory_mb'])} MB and "
        f"{number(other['memory_mb'])} MB; written for it were {lines['TypeScript']:,} lines of TypeScript, where "
        f"Python has {lines['Python']:,} and a kit for all services of {lines['kit']:,}.",
    ]


def finding(measured: Measured, lines: Mapping[str, int]) -> tuple[str, str]:
    """Return the verdict about C10 and its evidence: free is who can be exchanged without anybody noticing."""
    unnoticed = all(not one["failed"] and one["books"] for one in measured) and not measured[1]["void"]
    return (SUPPORTED if unnoticed else NOT_SHOWN), " ".join(answer(measured, lines))


def headline(result: Result) -> Headline | None:
    """Failed requests while the service was exchanged."""
    measured = {one["name"]: one for one in detail(result, "languages") or ()}
    values = tuple(
        share_of(f"services-{name}", one["failed"], one["requests"], ARMS[name]) for name, one in measured.items()
    )
    basis = "One pass of each. With 0 failed, the interval's end is what may have been missed."
    return Headline("requests that failed while the service was in", "%", values, basis) if values else None


def costs(result: Result) -> Figure | None:
    """What the part costs in either language."""
    measured: Measured = detail(result, "languages") or ()
    having = [one for one in measured if one["cpu_ms_per_order"] is not None]
    if not having:
        return None
    names, shades = [ARMS[one["name"]] for one in having], [f"services-{one['name']}" for one in having]
    views = [
        view(title, [bars("", names, [one[key] for one in having], shades, text=[number(one[key]) for one in having])],
             axes(y=unit, showlegend=False, bargap=0.6))
        for title, key, unit in (("CPU", "cpu_ms_per_order", "ms of CPU per order"), ("memory", "memory_mb", "MB"))
    ]  # fmt: skip
    reading = f"CPU and memory of {PART} alone ({REPLICAS} replicas), everything else being as it was. One pass each."
    return figure("languages", "The same service in two languages", reading, views, 340)


PLOTS = (costs,)
HEADLINES = {"C10": headline}
