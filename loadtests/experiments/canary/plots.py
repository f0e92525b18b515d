"""The table and the plot of versions that were tried: who met them, and how soon the guard was sure."""

from __future__ import annotations

import math
from typing import Any

from loadtests.measure.canary_analysis import ALPHA, SLOW_SHARES
from loadtests.report.plot import Figure, axes, colour, figure, line, table, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name

_DASHES = {"good": "dot", "slow": "solid", "failing": "dash"}
_POWERS = range(-1, 7)  # powers of ten that are shown


def attempts(result: Result) -> Figure | None:
    """Each attempt: was it taken back, after how long, who had met it."""
    tried = _valid(result)
    if not tried:
        return None
    cells = [
        {
            "build": build_name(one["build"]),
            "version": one["kind"],
            "what became of it": f"taken back: {one['alarm']['what']}" if one["alarm"] else "kept",
            "had its share, s": f"{one['share_lasted_s']:.1f}",
            "customers who met it": f"{one['customers_met']} of {one['customers']}",
            "requests to it": f"{one['requests_met']:,} of {one['requests']:,}",
            "customers hurt": str(one["customers_hurt"]),
            "bad answers": str(one["bad_answers"]),
            "memory MB": f"{one['memory_mb']:.0f}",
            "s to start": f"{one['start_s']:.1f}",
            "verdict": "right" if bool(one["alarm"]) == one["is_bad"] else "wrong",
        }
        for one in tried
    ]
    reading = (
        "A version has its share until it is taken back, or to the end of the watch. Bad answers failed or took 100 ms "
        "or more. Memory and start are of the version's own process, beside what runs anyway."
    )
    widths = [2, 1.2, 2.6, 1.4, 1.8, 1.8, 1.4, 1.2, 1.2, 1, 1.2]
    shades = ["good" if row["verdict"] == "right" else "bad" for row in cells]
    return table("canary-attempts", "What became of each new version", reading, cells, widths, shades)


def odds(result: Result) -> Figure | None:
    """How sure the guard was at each look, until it took the version back."""
    tried = _valid(result)
    if not tried:
        return None
    enough = math.log10((1 + len(SLOW_SHARES)) / ALPHA)
    data: list[Figure] = []
    for one in tried:
        name = f"{build_name(one['build'])}, {one['kind']}"
        x, y = [0.0, *(at for at, _ in one["odds"])], [0.0, *(_power(value) for _, value in one["odds"])]
        is_new = name not in {trace["name"] for trace in data}
        data.append(line(name, x, y, one["build"], dash=_DASHES.get(one["kind"], "solid"), width=2.5,
                         hover="%{x:.1f} s: 10^%{y:.1f} to 1", legendgroup=name, showlegend=is_new))  # fmt: skip
    bound = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": enough, "y1": enough,
             "line": {"color": colour("bad", 0.7), "width": 1.5, "dash": "dot"}}  # fmt: skip
    layout = axes(
        "seconds since it got its share", "odds that it does worse, to 1", y__automargin=True, shapes=[bound],
        y__range=[_POWERS[0] - 0.2, _POWERS[-1] + 0.2], y__tickvals=list(_POWERS),
        y__ticktext=[f"{10.0**power:,.{max(0, -power)}f}" for power in _POWERS],
    )  # fmt: skip
    reading = (
        "At every look the odds that the new version does worse than the first, against chance. Above the dotted line "
        "it is taken back; of a hundred versions that do no worse, one at most ever gets there."
    )
    return figure("canary-odds", "How soon is it sure?", reading, [view("", data, layout)], 420)


def _power(value: float) -> float:
    return max(_POWERS[0], min(_POWERS[-1], math.log10(value))) if value > 0 else _POWERS[0]


def _valid(result: Result) -> list[dict[str, Any]]:
    return [one for one in detail(result, "canary") or () if not one["void"]]


PLOTS = (attempts, odds)
