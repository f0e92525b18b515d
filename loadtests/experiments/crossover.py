"""The crossover map: how hot a part must be, and how much asked for, before splitting it off pays.

Question: On the same cores, for which cost of the hot part and which share of the traffic does each build give more
goodput, and in which do those who only look around wait less?

Hypothesis: Where an order costs little, the monolith has more goodput at any share: the services pay for calls. The
dearer the risk score, the less those calls count, and goodput becomes equal; nowhere does it turn, for the same cores
do the same work. The cold part's p99 turns early: as soon as the hot part takes some milliseconds, product pages of the
services, which share no process with it, wait less, and the more so the larger the hot share.

Load: Sixteen closed-loop clients send a mix in which 1, 5, 20 or 50 % of the requests are orders, as fast as they are
answered; product pages arrive beside them at a steady 30/s. Each charge takes 0, 5, 20 or 80 ms of CPU for its risk
score (`RISK_MS`). One cell of the map is 6 s of each build, one right after the other.

What is held equal: Cores, clients, products, requests. Neither build is scaled: one replica of everything, on the cores
of the budget. In one process with threads and in four processes the system's scheduler gives each its turn.

How to read it: Each cell is the services' figure over the monolith's. In the first two views more than 1 is for the
services, in the third, which is about waiting, less than 1. The second view divides goodput by the cores that were
really busy: where others use the machine too, it is the steady one. A single pass of each cell, without an A/A gate:
cells within a fifth of 1 show nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.feeder import Feeder
from loadtests.engine.hot_and_cold import Load, Pair, both, row
from loadtests.engine.study import PRODUCTS, Study
from loadtests.experiments import crossover_plots
from loadtests.load.users.traffic import MIXES
from loadtests.report.result import Ratio, Result
from loadtests.report.words import number

PLOTS = crossover_plots.PLOTS

HOT = {"monolith": "web", "microservices": "payments"}
CLIENTS = 16
COLD_RATE = 30.0
WARM_S = 1.5
FIGURES = {"goodput": "goodput", "per_core": "goodput of a busy core", "cold_p99": "p99 of product pages"}
CLEARLY = 1.2  # a single pass: less than this shows nothing


@dataclass(frozen=True)
class Form:
    """The cells: CPU ms of each risk score, and mixes by their share of orders."""

    costs_ms: tuple[int, ...] = (0, 5, 20, 80)
    mixes: tuple[str, ...] = ("browsing", "shopping", "rush", "ordering")
    duration_s: float = 6.0


QUICK = Form(costs_ms=(0, 20), mixes=("shopping", "ordering"), duration_s=2.0)


def run(study: Study) -> Result:
    """Fill the map, row by row."""
    form = QUICK if study.quick else Form()
    study.narrator.plan(len(form.costs_ms) * len(form.mixes) * len(HOT) + len(HOT))
    cells: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        arms = stack.enter_context(arms_up(tuple(HOT), study.budget, keep=False))
        feeders = Pair(
            stack.enter_context(Feeder(study.folder / "hot.log")),
            stack.enter_context(Feeder(study.folder / "cold.log")),
        )
        for name, arm in arms.items():
            arm.fresh_data(PRODUCTS)
            stack.callback(arm.runner.configure, HOT[name], {"RISK_MS": None})
        for place, cost_ms in enumerate(form.costs_ms):
            for name, arm in arms.items():
                arm.runner.configure(HOT[name], {"RISK_MS": str(cost_ms)})
                warm = Load(CLIENTS, "ordering", COLD_RATE, WARM_S)
                folder = study.folder / "raw" / f"warm-{cost_ms}-{name}"
                both(arm, feeders, warm, folder, seed=study.seed, cores=study.budget.other)
            for mix in form.mixes:
                cell = {"cost_ms": cost_ms, "mix": mix, "share": MIXES[mix].order_share}
                for name in list(HOT)[:: 1 if (place + len(cells)) % 2 else -1]:
                    cell[name] = _measure(study, form, arms[name], feeders, cost_ms, mix, len(cells) + 1)
                cells.append(cell)
        for name, arm in arms.items():
            histories = (study.folder / "raw").glob(f"*-{name}/hot/orders.jsonl")
            close_books(study, arm, histories, [run for run in study.runs if run["build"] == name][-1])
    return conclude(study, cells)


def _measure(
    study: Study, form: Form, arm: Arm, feeders: Pair, cost_ms: int, mix: str, number_of_cell: int
) -> dict[str, float]:
    study.narrator.doing(f"{arm.name}: {mix}, {cost_ms} ms")
    folder = study.folder / "raw" / f"{number_of_cell:02d}-{cost_ms}-{mix}-{arm.name}"
    load = Load(CLIENTS, mix, COLD_RATE, form.duration_s)
    found = both(arm, feeders, load, folder, seed=study.seed + number_of_cell, cores=study.budget.other)
    study.runs.append(
        row(study.next_number, arm.name, number_of_cell, found, f"raw/{folder.name}", unit="mix")
    )  # fmt: skip
    study.narrator.done(
        f"{cost_ms:>3} ms {mix:<9} {arm.name:<14} {found.goodput:6.1f} answers/s, product pages p99 "
        f"{found.cold['p99']:.0f} ms"
    )
    return {
        "goodput": found.goodput,
        "per_core": found.goodput / found.spent.cores if found.spent.cores else 0.0,
        "orders_s": found.orders_s,
        "cold_p99": found.cold["p99"],
    }


def conclude(study: Study, cells: Sequence[dict[str, Any]]) -> Result:
    """Return the result of a filled map."""
    for cell in cells:
        for figure in FIGURES:
            one, other = cell["monolith"][figure], cell["microservices"][figure]
            cell[figure] = other / one if one > 0 and other > 0 else None
    return study.result(
        answer=answer(cells), comparison=compare(cells), findings={}, details={"crossover": list(cells)}
    )


def compare(cells: Sequence[Mapping[str, Any]]) -> dict[str, Ratio]:
    """Return services over monolith for the corners of the map: both figures at the coldest and at the hottest cell."""
    figures: dict[str, Ratio] = {}
    for cell in (cells[0], cells[-1]):
        for figure, what in FIGURES.items():
            if cell[figure]:
                figures[f"{figure}_{cell['mix']}_{cell['cost_ms']}ms_services_vs_monolith"] = {
                    "ratio": cell[figure], "low": cell[figure], "high": cell[figure], "a": "monolith",
                    "b": "microservices", "what": f"{what}, {cell['share']:.0%} orders of {cell['cost_ms']} ms",
                    "pairs": 1, "verdict": "withheld",
                }  # fmt: skip
    return figures


def answer(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the answer in two sentences."""

    def clear(figure: str, *, more: bool) -> int:
        ratios = [cell[figure] for cell in cells if cell[figure]]
        return sum(ratio > CLEARLY if more else ratio < 1 / CLEARLY for ratio in ratios)

    hottest = cells[-1]
    return [
        f"Of {len(cells)} cells the monolith has clearly more goodput of a busy core in "
        f"{clear('per_core', more=False)}, the services in {clear('per_core', more=True)}; product pages clearly wait "
        f"less in the services in {clear('cold_p99', more=False)}, in the monolith in {clear('cold_p99', more=True)}.",
        f"At {hottest['share']:.0%} orders of {hottest['cost_ms']} ms the services have "
        f"{number(hottest['per_core'], 2)} times the goodput of a busy core and {number(hottest['cold_p99'], 2)} times "
        "the p99 of product pages. One pass a cell: a direction, and no verdict.",
    ]
