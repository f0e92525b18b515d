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

from deploy.model.errors import DeployError
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.generator import Beside
from loadtests.engine.prober import Prober
from loadtests.engine.study import PRODUCTS, Study
from loadtests.engine.trial import Load, run_trial
from loadtests.measure import inventory
from loadtests.measure.views import wait_until_finished
from loadtests.report.claims import NOT_SHOWN, REFUTED, SUPPORTED
from loadtests.report.headline import Headline, single
from loadtests.report.plot import Figure, bars, figure, rows_down, upright, view
from loadtests.report.result import Ratio, Result, detail
from loadtests.report.words import build_name, count, sentence_of_list

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
    study.progress.plan(3 * len(BUILDS))
    with arms_up(BUILDS, study.budget, keep=False) as arms:
        for build, arm in arms.items():
            arm.fresh_data(PRODUCTS)
            counted[build] = {**inventory.source(build), **_standing(arm), **_one_order(study, arm)}
            study.progress.done(f"{build:<14} counted")
            losses[build] = _lose_each_part(study, arm)
            counted[build]["parts an order needs"] = sum(status != 201 for status in losses[build].values())
            study.progress.done(f"{build:<14} {count(counted[build]['parts an order needs'])} parts needed")
            close_books(study, arm, study.folder.glob(f"run-*-{build}/orders.jsonl"), study.runs[-1])
        for build, arm in arms.items():
            counted[build]["start time s"] = _start_time(study, arm)
    images = inventory.images()
    if images is None:
        study.notes.append("No images of the builds are here, so none were weighed (`make compose-up` builds them).")
    else:
        study.notes.append("The size of images is the sum of what each of them weighs alone; layers may be shared.")
        for build, sizes in images.items():
            counted[build] |= {"images": len(sizes), "images MB": sum(sizes.values())}
    return study.result(
        answer=answer(counted, losses), comparison=compare(counted), findings=findings(counted),
        details={"counted": counted, "losses": losses, "images": images},
    )  # fmt: skip


def _standing(arm: Arm) -> Figures:
    """Return what runs: parts, ports, servers, settings, processes, memory, tables."""
    stats = arm.runner.stats()
    return {
        **inventory.parts(arm.runner.stack),
        "tables": inventory.tables(arm.parties.databases),
        "processes": sum(part.processes for part in stats),
        "memory MB": sum(part.memory_bytes for part in stats) / 1e6,
    }


def _one_order(study: Study, arm: Arm) -> Figures:
    """Place orders one after the other, and return what each of them made the parts do."""
    admin = arm.runner.stack.part("edge").admin
    before: list[int] = []

    def count_requests(_: Beside) -> None:
        before.append(sum(inventory.requests_by_cluster(admin).values()))

    load = Load(8.0, QUICK_ORDERS_FOR_S if study.quick else ORDERS_FOR_S, 0.0, "orders-only",
                extra=("--arrivals", "constant"))  # fmt: skip
    trial = run_trial(study, arm, load, pair=1, seed=study.seed, fresh=False, reconcile=False, meanwhile=count_requests)
    carried = sum(inventory.requests_by_cluster(admin).values()) - before[0]
    trial.of_one_unit("order")
    return inventory.per_order(trial.measured.counted, carried, trial.run["orders_confirmed"])


def _lose_each_part(study: Study, arm: Arm) -> dict[str, int]:
    """Hold each part down in turn, and return how an order was answered meanwhile (0: not at all)."""
    answers: dict[str, int] = {}
    with Prober(arm.parties) as customer:
        for part in arm.runner.stack.parts:
            study.progress.doing(f"{arm.name}: without {part.name}")
            arm.runner.hold(part.name, kill=True)
            try:
                answers[part.name] = customer.place().status
            finally:
                arm.runner.release(part.name)
            _recover(arm, customer)
            study.progress.tell(f"{arm.name:<14} without {part.name:<17} an order is answered {answers[part.name]}")
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
    study.progress.done(f"{arm.name:<14} ready after {statistics.median(took):.1f} s")
    return statistics.median(took)


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
    more = [
        f"{count(other[name])} {name} against {count(one[name])}"
        for name in ("lines of code", "processes", "ports", "database servers", "settings")
    ]
    lost = [
        f"{build_name(build)}: {sentence_of_list([part for part, status in parts.items() if status != 201])}"
        for build, parts in losses.items()
    ]
    return [
        f"The services have {sentence_of_list(more)}.",
        f"Parts without which an order is not confirmed at once: {'; '.join(lost)}.",
    ]


def findings(counted: Mapping[str, Figures]) -> dict[str, tuple[str, str]]:
    """Return the verdict on C5: simpler is what has less of everything there is to write and to operate."""
    one, other = counted["monolith"], counted["microservices"]
    more = [name for name in DECISIVE if name in one and other[name] > one[name]]
    less = [name for name in DECISIVE if name in one and other[name] < one[name]]
    verdict = SUPPORTED if not less else REFUTED if not more else NOT_SHOWN
    figures = [
        f"{name} {count(one[name])} and {count(other[name])}"
        for name in ("lines of code", "processes", "database servers", "settings", "transactions", "start time s")
    ]
    exceptions = f" The services have less of: {sentence_of_list(less)}." if less else ""
    return {
        "C5": (
            verdict,
            f"Of {len(more) + len(less)} figures that decide the services have more in {len(more)}: monolith and "
            f"services have {'; '.join(figures)}; an order needs {count(one['parts an order needs'])} and "
            f"{count(other['parts an order needs'])} parts to be up.{exceptions}",
        )
    }


_ANSWERS = (("confirmed", "good"), ("accepted, pending", "warn"), ("refused", "bad"), ("no answer", "dim"))


def counted(result: Result) -> Figure | None:
    """Everything counted, as so many times the monolith's."""
    by_build: dict[str, dict[str, float]] | None = detail(result, "counted")
    if not by_build:
        return None
    one, other = by_build["monolith"], by_build["microservices"]
    names = [name for name in one if one[name] > 0 and name in other]
    ratios = [other[name] / one[name] for name in names]
    shades = ["microservices" if ratio > 1 else "monolith" for ratio in ratios]
    text = [f"{count(one[name])} → {count(other[name])}" for name in names]
    only = [f"{name} {count(other[name])}" for name in other if not one.get(name) and other[name]]
    reading = "Beside each bar: the monolith's figure and the services'." + (
        f" Only the services have: {', '.join(only)} (per order)." if only else ""
    )
    layout = rows_down("times the monolith's", x__range=[0, max(ratios) * 1.25], shapes=[upright(1, "ink")])
    data = [bars("", names, ratios, shades, text=text, lying=True, hover="%{y}: %{x:.2f} times")]
    return figure("counted", "How much more there is", reading, [view("", data, layout)], 130 + 34 * len(names))


def losses(result: Result) -> Figure | None:
    """How an order is answered while one part is down."""
    by_build: dict[str, dict[str, int]] | None = detail(result, "losses")
    if not by_build:
        return None
    meanings = {201: "confirmed", 202: "accepted, pending", 0: "no answer"}
    rows = [(f"{build_name(build)}: {part}", status) for build, parts in by_build.items()
            for part, status in parts.items()]  # fmt: skip
    data = []
    for answer, shade in _ANSWERS:
        having = [(name, status) for name, status in rows if meanings.get(status, "refused") == answer]
        text = [f"{answer} ({status})" if status else answer for _, status in having]
        data.append(bars(answer, [name for name, _ in having], [1] * len(having), shade, text=text, inside=True,
                         lying=True, opacity=0.75, hover="%{y}: %{text}"))  # fmt: skip
    layout = rows_down(barmode="stack", x__visible=False, x__range=[0, 1], y__categoryorder="array",
                       y__categoryarray=[name for name, _ in rows])  # fmt: skip
    reading = "One order, placed while the part in this row was killed and held down."
    title = "Which parts can fail on the way of an order?"
    return figure("losses", title, reading, [view("", data, layout)], 130 + 30 * len(rows))


def headline(result: Result) -> Headline | None:
    """Processes that have to run."""
    by_build: Mapping[str, Figures] = detail(result, "counted") or {}
    values = [(build, figures["processes"]) for build, figures in by_build.items()]
    return single("processes that have to run", "", values, "Counted: no chance is in it.")


PLOTS = (counted, losses)
HEADLINES = {"C5": headline}
