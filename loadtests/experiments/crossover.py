"""The crossover map: how hot a part must be, and how much asked for, before splitting it off pays.

Question: On the same cores, for which cost of the hot part and which share of the traffic does each build give more
goodput, and in which do those who only look around wait less?

Hypothesis: Where an order costs little, the monolith has more goodput at any share: the services pay for calls. The
dearer the risk score, the less those calls count, and goodput becomes equal; nowhere does it turn, for the same cores
do the same work. The cold part's p95 turns early: as soon as the hot part takes some milliseconds, product pages of the
services, which share no process with it, wait less, and the more so the larger the hot share.

Load: Sixteen closed-loop clients send a mix in which 1, 5, 20 or 50 % of the requests are orders, as fast as they are
answered; product pages arrive beside them at a steady 30/s. Each charge takes 0, 5, 20 or 80 ms of CPU for its risk
score (`RISK_MS`). One cell of the map is 4 s of each build, one right after the other, in each of several fresh starts.

What is held equal: Cores, clients, products, requests. Neither build is scaled: one replica of everything, on the cores
of the budget. In one process with threads and in four processes the system's scheduler gives each its turn.

How to read it: Each cell is the services' figure over the monolith's, over sessions. In the first view more than 1 is
for the services; in the others, CPU per answer and waiting, less than 1. CPU is the steady one where others use the
machine, too. A cell with an asterisk is shown: its interval leaves out 1, both builds equal their restarted twins where
no risk is scored, and it stands after a correction for all cells.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loadtests.engine.arm import Arm
from loadtests.engine.declaration import Conclusion, Declaration
from loadtests.engine.factor import Factor
from loadtests.engine.hot_and_cold import Load
from loadtests.load.users.traffic import MIXES
from loadtests.measure.replication import Design, Spread
from loadtests.report.plot import Figure, colour, figure, heat, view
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import number, times

HOT = {"monolith": "web", "microservices": "payments"}
COSTS_MS = (0.0, 5.0, 20.0, 80.0)
SHOWN = ("browsing", "shopping", "rush", "ordering")
FIGURES = {"goodput": ("goodput", 1), "cpu": ("CPU per answer", -1), "cold_p95": ("p95 of product pages", -1)}
CLEARLY = 1.2  # less than this is told of no cell


@contextlib.contextmanager
def risk_of(arm: Arm, ms: float) -> Iterator[None]:
    """Have each charge take so much CPU; it stays so."""
    part = HOT[arm.runner.stack.name]
    if arm.runner.status().environment.get(part, {}).get("RISK_MS") != f"{ms:g}":
        arm.runner.configure(part, {"RISK_MS": f"{ms:g}"})
    yield


def cells(comparison: Mapping[str, Ratio], figure_: str) -> dict[tuple[str, float], Ratio]:
    """Return services over monolith by mix and cost of a risk score."""
    names = {(mix, ms): f"{figure_}_{mix}{f'_risk_ms_{ms:g}' if ms else ''}_services_vs_monolith"
             for mix in SHOWN for ms in COSTS_MS}  # fmt: skip
    return {place: comparison[name] for place, name in names.items() if name in comparison}


def conclude(_: Sequence[Run], comparison: Mapping[str, Ratio], __: Mapping[str, Any]) -> Conclusion:
    """Return the answer in two sentences."""
    cost, waits = cells(comparison, "cpu"), cells(comparison, "cold_p95")
    if not cost or not waits:
        return Conclusion(["Too few sessions, or valid runs, to compare anything: the plots show what was measured."])

    def clear(rows: Mapping[Any, Ratio]) -> tuple[int, int]:
        ratios = [row["ratio"] for row in rows.values()]
        return sum(ratio > CLEARLY for ratio in ratios), sum(ratio < 1 / CLEARLY for ratio in ratios)

    (dearer, cheaper), (longer, shorter) = clear(cost), clear(waits)
    mix, ms = max(cost, key=lambda place: (place[1], MIXES[place[0]].order_share))
    hottest = f"At {MIXES[mix].order_share:.0%} orders of {ms:g} ms an answer takes the services {times(cost[mix, ms])}"
    there = waits.get((mix, ms))
    return Conclusion(
        [
            f"Of {len(cost)} cells an answer clearly takes less CPU in the monolith in {dearer}, in the services in "
            f"{cheaper}; of {len(waits)} product pages clearly wait less in the services in {shorter}, in the monolith "
            f"in {longer}.",
            f"{hottest} the CPU" + (f", and their product pages wait {times(there)} as long." if there else "."),
        ]
    )


EXPERIMENT = Declaration(
    beside=tuple(Load(16, mix, 30.0, 4.0, warm_s=0.8) for mix in SHOWN),
    factors=(Factor("risk_ms", COSTS_MS, risk_of, quick=(0.0, 20.0)),),
    conclude=conclude,
    noise=Spread(between=0.05, within=0.10),
    detects=1.5,
    quick=Design(sessions=1, pairs=1, detects=float("nan")),
)


def crossover(result: Result) -> Figure | None:
    """The map, services over monolith, by cost and share of the hot part; a view for each figure."""
    maps = {key: cells(result.get("comparison", {}), key) for key in FIGURES}
    views = [_map(rows, FIGURES[key]) for key, rows in maps.items() if rows]
    if not views:
        return None
    reading = (
        "Blue: the monolith is better here; orange: the services are. The figure is the services' over the monolith's, "
        "with its 95 % interval; what bears no asterisk is not shown."
    )
    return figure("crossover", "Which build for which load?", reading, views, 460)


def _map(rows: Mapping[tuple[str, float], Ratio], kind: tuple[str, int]) -> Figure:
    name, sign = kind

    def text(row: Ratio | None) -> str:
        star = "*" if row and row.get("verdict") in ("higher", "lower") else ""
        return f"<b>{number(row['ratio'])}{star}</b><br>{number(row['low'])} to {number(row['high'])}" if row else ""

    grid = [[rows.get((mix, ms)) for mix in SHOWN] for ms in COSTS_MS]
    trace = heat(
        [f"{MIXES[mix].order_share:.0%} orders" for mix in SHOWN], [f"{ms:g} ms" for ms in COSTS_MS],
        [[sign * math.log2(row["ratio"]) if row else None for row in line] for line in grid],
        [[text(row) for row in line] for line in grid],
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
