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
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.hot_and_cold import Load, Pair, both, row
from loadtests.engine.study import PRODUCTS, Study
from loadtests.load.users.traffic import MIXES
from loadtests.report.plot import Figure, colour, figure, heat, view
from loadtests.report.result import Ratio, Result, detail
from loadtests.report.words import number

HOT = {"monolith": "web", "microservices": "payments"}
CLIENTS = 16
COLD_RATE = 30.0
WARM_S = 1.5
FIGURES = {"goodput": "goodput", "per_core": "goodput of a busy core", "cold_p99": "p99 of product pages"}
CLEARLY = 1.2  # a single pass: less than this shows nothing
Cell = dict[str, Any]


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
    study.progress.plan(len(form.costs_ms) * len(form.mixes) * len(HOT) + len(HOT))
    cells: list[Cell] = []
    with contextlib.ExitStack() as stack:
        arms = stack.enter_context(arms_up(tuple(HOT), study.budget, keep=False))
        generators = stack.enter_context(Pair.started(study.folder))
        for name, arm in arms.items():
            arm.fresh_data(PRODUCTS)
            stack.callback(arm.runner.configure, HOT[name], {"RISK_MS": None})
        for place, cost_ms in enumerate(form.costs_ms):
            for name, arm in arms.items():
                arm.runner.configure(HOT[name], {"RISK_MS": str(cost_ms)})
                warm, folder = Load(CLIENTS, "ordering", COLD_RATE, WARM_S), f"warm-{cost_ms}-{name}"
                both(arm, generators, warm, study.folder / "raw" / folder, seed=study.seed)
            for mix in form.mixes:
                cell: Cell = {"cost_ms": cost_ms, "mix": mix, "share": MIXES[mix].order_share}
                for name in list(HOT)[:: 1 if (place + len(cells)) % 2 else -1]:
                    load = Load(CLIENTS, mix, COLD_RATE, form.duration_s)
                    cell[name] = _measure(study, arms[name], generators, load, cost_ms, len(cells) + 1)
                cells.append(cell)
        for name, arm in arms.items():
            histories = (study.folder / "raw").glob(f"*-{name}/hot/orders.jsonl")
            close_books(study, arm, histories, [run for run in study.runs if run["build"] == name][-1])
    for cell in cells:
        for key in FIGURES:
            a, b = (cell[name][key] for name in HOT)
            cell[key] = b / a if a > 0 and b > 0 else None
    return study.result(answer=answer(cells), comparison=compare(cells), findings={}, details={"crossover": cells})


def _measure(study: Study, arm: Arm, generators: Pair, load: Load, cost_ms: int, place: int) -> dict[str, float]:
    study.progress.doing(f"{arm.name}: {load.mix}, {cost_ms} ms")
    folder = f"raw/{place:02d}-{cost_ms}-{load.mix}-{arm.name}"
    measured = both(arm, generators, load, study.folder / folder, seed=study.seed + place)
    run = row(study.next_number, arm.name, place, measured, folder, unit="mix")
    study.runs.append(run | {"factors": {"risk_ms": cost_ms, "mix": load.mix}})
    p99 = measured.cold["p99"]
    study.progress.done(
        f"{cost_ms:>3} ms {load.mix:<9} {arm.name:<14} {measured.goodput:6.1f} answers/s, pages p99 {p99:.0f} ms"
    )
    per_core = measured.goodput / measured.spent.cores if measured.spent.cores else 0.0
    return {"goodput": measured.goodput, "per_core": per_core, "orders_s": measured.orders_s, "cold_p99": p99}


def compare(cells: Sequence[Mapping[str, Any]]) -> dict[str, Ratio]:
    """Return services over monolith for the corners of the map: all figures at the coldest and at the hottest cell."""
    return {
        f"{key}_{cell['mix']}_{cell['cost_ms']}ms_services_vs_monolith": {
            "ratio": cell[key], "low": cell[key], "high": cell[key], "a": "monolith", "b": "microservices",
            "what": f"{what}, {cell['share']:.0%} orders of {cell['cost_ms']} ms", "pairs": 1, "verdict": "withheld",
        }
        for cell in (cells[0], cells[-1])
        for key, what in FIGURES.items()
        if cell[key]
    }  # fmt: skip


def answer(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the answer in two sentences."""

    def clear(key: str, *, more: bool) -> int:
        ratios = [cell[key] for cell in cells if cell[key]]
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


def crossover(result: Result) -> Figure | None:
    """The map, services over monolith, by cost and share of the hot part; a view for each figure."""
    cells: list[Cell] | None = detail(result, "crossover")
    if not cells:
        return None
    views = [_map(cells, key, name, sign=-1 if key == "cold_p99" else 1) for key, name in FIGURES.items()]
    reading = (
        "Blue: the monolith is better here; orange: the services are. The figure is the services' over the monolith's; "
        "cells within a fifth of 1 show nothing."
    )
    return figure("crossover", "Which build for which load?", reading, views, 460)


def _map(cells: list[Cell], key: str, name: str, *, sign: int) -> Figure:
    shares, costs = (sorted({cell[factor] for cell in cells}) for factor in ("share", "cost_ms"))
    by_place = {(cell["cost_ms"], cell["share"]): cell for cell in cells}
    unit = " ms" if key == "cold_p99" else "/s"
    rows = [[by_place[cost, share] for share in shares] for cost in costs]

    def text(cell: Cell) -> str:
        a, b = (number(cell[build][key]) for build in HOT)
        return f"<b>{number(cell[key])} x</b><br>{a}{unit} | {b}{unit}"

    trace = heat(
        [f"{share:.0%} orders" for share in shares], [f"{cost} ms" for cost in costs],
        [[sign * math.log2(cell[key]) if cell[key] else None for cell in row] for row in rows],
        [[text(cell) for cell in row] for row in rows],
        [(0, colour("monolith", 0.9)), (0.5, colour("paper")), (1, colour("microservices", 0.9))], (-2, 2),
        textfont={"color": colour("ink"), "size": 13},
    )  # fmt: skip
    axis: Figure = {"type": "category", "showgrid": False}
    layout = {
        "xaxis": axis | {"title": {"text": "share of orders in the traffic"}},
        "yaxis": axis | {"title": {"text": "CPU of each order's risk score"}},
        "margin": {"l": 90, "r": 24, "t": 16, "b": 60},
    }
    return view(name, [trace], layout)


PLOTS = (crossover,)
