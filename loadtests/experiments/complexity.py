"""Complexity: how much there is to know, to run and to lose, counted from the repository and the running stacks.

Question: How much more is there to write, start, watch and repair in four services than in one process?

Hypothesis: The services have more of everything that can be counted: lines, processes, ports, databases, settings, hops
and transactions per order. More parts have to be up for an order to be answered at once.

Load: One customer who places orders one after the other, to divide what the applications and Envoy have counted by
their number; then, for each part in turn, one order while that part is held down. Each stack is started three times
from nothing but its data.

What is held equal: What both builds share (`shared`, the outside world, how they are deployed) is counted for neither,
tests for neither; the edge, which both need, is counted for both. Ports, settings and parts are those of the topology
with one replica of each part.

How to read it: Nothing here is typed in. The claim is about what there is to write and to operate, so lines, files,
parts, processes, ports, database servers, settings, start time and the parts that an order needs decide it; the work of
one order is told beside them. Lines are lines of code, without blank ones, comments and docstrings. An order
that was answered 202 was accepted and not finished: the part is on its way, and the shop goes on without it for a
while. What cannot be counted (how well a team understands its system) is not claimed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

from deploy.model.errors import DeployError
from loadtests.engine import generator, slices
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.feeder import Feeder
from loadtests.engine.prober import Prober
from loadtests.engine.study import PRODUCTS, Study
from loadtests.experiments import complexity_plots
from loadtests.measure import inventory
from loadtests.measure.views import wait_until_finished
from loadtests.report.result import Ratio, Result
from loadtests.report.words import build_name, count, sentence_of_list

PLOTS = complexity_plots.PLOTS

BUILDS = ("monolith", "microservices")
STARTS, QUICK_STARTS = 3, 1
ORDERS_FOR_S, QUICK_ORDERS_FOR_S = 8.0, 4.0
REST_S = 20.0
Figures = dict[str, float]
DECISIVE = (
    "lines of code", "files", "parts", "processes", "ports", "database servers", "settings", "start time s",
    "parts an order needs",
)  # fmt: skip


def run(study: Study) -> Result:
    """Count both builds."""
    counted: dict[str, Figures] = {}
    losses: dict[str, dict[str, int]] = {}
    study.narrator.plan(3 * len(BUILDS))
    with (
        arms_up(BUILDS, study.budget, keep=False) as arms,
        Feeder(study.folder / "generator.log") as feeder,
    ):
        for build, arm in arms.items():
            arm.fresh_data(PRODUCTS)
            counted[build] = {**inventory.source(build), **_standing(arm), **_one_order(study, arm, feeder)}
            study.narrator.done(f"{build:<14} counted")
            losses[build] = _lose_each_part(study, arm)
            counted[build]["parts an order needs"] = sum(status != 201 for status in losses[build].values())
            study.narrator.done(f"{build:<14} {count(counted[build]['parts an order needs'])} parts needed")
            histories = (study.folder / "raw").glob(f"{build}/orders.jsonl")
            close_books(study, arm, histories, study.runs[-1])
        for build, arm in arms.items():
            counted[build]["start time s"] = _start_time(study, arm)
    images = inventory.images()
    if images is None:
        study.notes.append("No images of the builds are here, so none were weighed (`make compose-up` builds them).")
    else:
        study.notes.append("The size of images is the sum of what each of them weighs alone; layers may be shared.")
        for build, sizes in images.items():
            counted[build] |= {"images": len(sizes), "images MB": sum(sizes.values())}
    return conclude(study, counted, losses, images)


def _standing(arm: Arm) -> Figures:
    """Return what runs: parts, ports, servers, settings, processes, memory, tables."""
    stats = arm.runner.stats()
    return {
        **inventory.parts(arm.runner.stack),
        "tables": inventory.tables(arm.parties.databases),
        "processes": sum(part.processes for part in stats),
        "memory MB": sum(part.memory_bytes for part in stats) / 1e6,
    }


def _one_order(study: Study, arm: Arm, feeder: Feeder) -> Figures:
    """Place orders one after the other, and return what each of them made the parts do."""
    admin = arm.runner.stack.part("edge").admin
    seconds = QUICK_ORDERS_FOR_S if study.quick else ORDERS_FOR_S
    folder = study.folder / "raw" / arm.name
    order = generator.open_arrivals(
        arm.runner.address, arm.parties.identity, folder, profile=f"8x{seconds:g}", duration_s=seconds,
        mix="orders-only", seed=study.seed, cores=study.budget.other, extra=["--arrivals", "constant"],
    )  # fmt: skip
    before: list[int] = []
    measured = slices.load(
        arm, feeder, order, memory=True,
        on_start=lambda: before.append(sum(inventory.requests_by_cluster(admin).values())),
    )  # fmt: skip
    carried = sum(inventory.requests_by_cluster(admin).values()) - before[0]
    study.runs.append(slices.row(study.next_number, arm.name, "order", 1, 8.0, measured))
    return inventory.per_order(measured.counted, carried, measured.summary["orders_confirmed"])


def _lose_each_part(study: Study, arm: Arm) -> dict[str, int]:
    """Hold each part down in turn, and return how an order was answered meanwhile (0: not at all)."""
    answers: dict[str, int] = {}
    with Prober(arm.parties) as customer:
        for part in arm.runner.stack.parts:
            study.narrator.doing(f"{arm.name}: without {part.name}")
            arm.runner.hold(part.name, kill=True)
            try:
                answers[part.name] = customer.place().status
            finally:
                arm.runner.release(part.name)
            _recover(arm, customer)
            study.narrator.tell(f"{arm.name:<14} without {part.name:<17} an order is answered {answers[part.name]}")
    wait_until_finished(arm.parties.databases, REST_S)
    return answers


def _recover(arm: Arm, customer: Prober) -> None:
    """Wait until orders are confirmed again. Raises DeployError if they are not."""
    deadline = time.monotonic() + REST_S
    while customer.place().status != 201:
        if time.monotonic() > deadline:
            raise DeployError(f"{arm.name} did not confirm orders again within {REST_S:.0f} s.")
        time.sleep(0.1)


def _start_time(study: Study, arm: Arm) -> float:
    """Return the median seconds from the command to a stack that is ready, its data being there."""
    took = []
    for _ in range(QUICK_STARTS if study.quick else STARTS):
        arm.runner.down()
        began = time.monotonic()
        arm.runner.up()
        took.append(time.monotonic() - began)
    study.narrator.done(f"{arm.name:<14} ready after {statistics.median(took):.1f} s")
    return statistics.median(took)


def conclude(
    study: Study,
    counted: Mapping[str, Figures],
    losses: Mapping[str, Mapping[str, int]],
    images: Mapping[str, Mapping[str, int]] | None,
) -> Result:
    """Return the result of what was counted."""
    details: dict[str, Any] = {"counted": counted, "losses": losses, "images": images}
    return study.result(
        answer=answer(counted, losses), comparison=compare(counted), findings=findings(counted), details=details
    )


def compare(counted: Mapping[str, Figures]) -> dict[str, Ratio]:
    """Return services over monolith for everything that both have; counts have no interval."""
    figures: dict[str, Ratio] = {}
    for name, value in counted["monolith"].items():
        other = counted["microservices"].get(name, 0)
        if value > 0 and other > 0:
            key = name.lower().replace(" ", "_")
            figures[f"{key}_services_vs_monolith"] = {
                "ratio": other / value, "low": other / value, "high": other / value, "a": "monolith",
                "b": "microservices", "what": name, "verdict": "withheld",
            }  # fmt: skip
    return figures


def answer(counted: Mapping[str, Figures], losses: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the answer in two sentences."""
    one, other = counted["monolith"], counted["microservices"]
    told = [
        f"{count(other[name])} {name} against {count(one[name])}"
        for name in ("lines of code", "processes", "ports", "database servers", "settings")
    ]
    lost = [
        f"{build_name(build)}: {sentence_of_list([part for part, status in parts.items() if status != 201])}"
        for build, parts in losses.items()
    ]
    return [
        f"The services have {sentence_of_list(told)}.",
        f"Parts without which an order is not confirmed at once: {'; '.join(lost)}.",
    ]


def findings(counted: Mapping[str, Figures]) -> dict[str, tuple[str, str]]:
    """Return the verdict on C5: simpler is what has less of everything there is to write and to operate."""
    one, other = counted["monolith"], counted["microservices"]
    more = [name for name in DECISIVE if name in one and other[name] > one[name]]
    less = [name for name in DECISIVE if name in one and other[name] < one[name]]
    verdict = "supported" if not less else "refuted" if not more else "not shown"
    told = [
        f"{name} {count(one[name])} and {count(other[name])}"
        for name in ("lines of code", "processes", "database servers", "settings", "transactions", "start time s")
    ]
    exceptions = f" The services have less of: {sentence_of_list(less)}." if less else ""
    return {
        "C5": (
            verdict,
            f"Of {len(more) + len(less)} figures that decide the services have more in {len(more)}: monolith and "
            f"services have {'; '.join(told)}; an order needs {count(one['parts an order needs'])} and "
            f"{count(other['parts an order needs'])} parts to be up.{exceptions}",
        )
    }
