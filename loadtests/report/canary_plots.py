"""The table and the plot of versions that were tried: who met them, and how soon the guard was sure."""

from __future__ import annotations

import math
from typing import Any

from deploy.canary.analysis import ALPHA, SLOW_SHARES
from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result
from loadtests.report.tables import table
from loadtests.report.words import build_name

_DASHES = {"good": "dot", "slow": "solid", "failing": "dash"}
_HIGHEST = 6.0  # powers of ten that are shown
_LOWEST = -1.0


def attempts(result: Result) -> Figure | None:
    """Each attempt: was it taken back, after how long, who had met it."""
    found = _found(result)
    if not found:
        return None
    cells = [
        (
            build_name(one["build"]),
            one["kind"],
            f"taken back: {one['alarm']['what']}" if one["alarm"] else "kept",
            f"{one['share_lasted_s']:.1f}",
            f"{one['customers_met']} of {one['customers']}",
            f"{one['requests_met']:,} of {one['requests']:,}",
            str(one["customers_hurt"]),
            str(one["bad_answers"]),
            f"{one['memory_mb']:.0f}",
            f"{one['start_s']:.1f}",
            "right" if bool(one["alarm"]) == one["is_bad"] else "wrong",
        )
        for one in found
    ]
    shades = ["good" if cell[-1] == "right" else "bad" for cell in cells]
    heads = ("build", "version", "what became of it", "had its share, s", "customers who met it", "requests to it",
             "customers hurt", "bad answers", "memory MB", "s to start", "verdict")  # fmt: skip
    reading = (
        "A version has its share until it is taken back, or to the end of the watch. Bad answers failed or took 100 ms "
        "or more. Memory and start are of the version's own process, beside what runs anyway."
    )
    widths = [2, 1.2, 2.6, 1.4, 1.8, 1.8, 1.4, 1.2, 1.2, 1, 1.2]
    return table("canary-attempts", "What became of each new version", reading, heads, cells, widths, shades)


def odds(result: Result) -> Figure | None:
    """How sure the guard was at each look, until it took the version back."""
    found = _found(result)
    if not found:
        return None
    enough = math.log10((1 + len(SLOW_SHARES)) / ALPHA)
    data, named = [], set()
    for one in found:
        name = f"{build_name(one['build'])}, {one['kind']}"
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "legendgroup": name,
                "showlegend": name not in named,
                "x": [0.0, *(at for at, _ in one["odds"])],
                "y": [0.0, *(_power(value) for _, value in one["odds"])],
                "line": {"color": colour(one["build"]), "width": 2.5, "dash": _DASHES.get(one["kind"], "solid")},
                "hovertemplate": "%{x:.1f} s: 10^%{y:.1f} to 1<extra>" + name + "</extra>",
            }
        )
        named.add(name)
    bound = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": enough, "y1": enough,
             "line": {"color": colour("bad", 0.7), "width": 1.5, "dash": "dot"}}  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "seconds since it got its share"}, "rangemode": "tozero"},
        "yaxis": {
            "title": {"text": "odds that it does worse, to 1", "standoff": 12},
            "automargin": True,
            "range": [_LOWEST - 0.2, _HIGHEST + 0.2],
            "tickvals": list(range(int(_LOWEST), int(_HIGHEST) + 1)),
            "ticktext": [f"{10.0**power:,.{max(0, -power)}f}" for power in range(int(_LOWEST), int(_HIGHEST) + 1)],
        },
        "shapes": [bound],
        "legend": {"orientation": "h", "y": 1.18},
    }
    reading = (
        "At every look the odds that the new version does worse than the first, against chance. Above the dotted line "
        "it is taken back; of a hundred versions that do no worse, one at most ever gets there."
    )
    return figure("canary-odds", "How soon is it sure?", reading, [view("", data, layout)], 420)


def _power(value: float) -> float:
    return max(_LOWEST, min(_HIGHEST, math.log10(value))) if value > 0 else _LOWEST


def _found(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result.get("details", {}).get("canary", [])
    return [one for one in found if not one["void"]]
