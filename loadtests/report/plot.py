"""The few kinds of plot that every report is made of, as plain values for Plotly.

Colours are named: the page knows what they are in light and in dark (`colour`). An arm's name is a colour, too.
A figure has views that the reader switches between, a view has traces and a layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loadtests.report.result import Result
from loadtests.report.words import slug

Figure = dict[str, Any]
Plot = Callable[[Result], Figure | None]  # None: this result has nothing of it
ROW_PX = 27
UNIT_NAMES = {"mix": "confirmed order, with the browsing around it", "order": "confirmed order", "list": "list of 20",
              "product": "product page"}  # fmt: skip


def short_unit(unit: str) -> str:
    """Return what one unit of work is called in a title."""
    return UNIT_NAMES[unit].split(",")[0]


def colour(name: str, opacity: float = 1.0) -> str:
    """Return the name of a colour of the page, or of an arm, for the page's script to resolve."""
    return f"colour:{slug(name)}:{opacity:g}"


def figure(id_: str, title: str, reading: str, views: Sequence[Figure], height: int = 400) -> Figure:
    """Return a plot: `reading` says in a sentence how to read it; the reader switches between several views."""
    return {"id": id_, "title": title, "reading": reading, "views": list(views), "height": height}


def view(name: str, data: Sequence[Figure], layout: Figure) -> Figure:
    """Return one view: traces and layout for Plotly."""
    return {"name": name, "data": list(data), "layout": layout}


def axes(
    x: str = "", y: str = "", *, log_x: bool = False, log_y: bool = False, barmode: str = "group", **own: Any
) -> Figure:
    """Return a layout with titles of the axes; `x__...` and `y__...` add to an axis, all else to the layout."""
    layout: Figure = {"legend": {"orientation": "h", "y": 1.14}, "barmode": barmode}
    for name, title, log in (("x", x, log_x), ("y", y, log_y)):
        axis: Figure = {"title": {"text": title}} if title else {}
        axis |= {"type": "log", "dtick": "D2", "tickformat": "~g"} if log else {"rangemode": "tozero"}
        layout[f"{name}axis"] = axis | {key[3:]: own.pop(key) for key in [*own] if key.startswith(f"{name}__")}
    return layout | own


def rows_down(x: str = "", *, log_x: bool = False, barmode: str = "group", **own: Any) -> Figure:
    """Return a layout of lying bars, or of marks in named rows, the first row on top."""
    down: Figure = {"y__autorange": "reversed", "y__automargin": True, "y__showgrid": False, "y__type": "category"}
    return axes(x, log_x=log_x, barmode=barmode, bargap=0.35, **down | own)


def line(
    name: str, x: Sequence[Any], y: Sequence[float | None], shade: str, *, dash: str = "solid", width: float = 3,
    opacity: float = 1.0, marks: bool = False, hover: str = "%{y:.3g}", **own: Any,
) -> Figure:  # fmt: skip
    """Return a curve; `hover` is what is said of a point."""
    trace: Figure = {"type": "scatter", "mode": "lines+markers" if marks else "lines", "name": name, "x": list(x)}
    pen = {"color": colour(shade, opacity), "dash": dash, "width": width}
    return (
        trace
        | {"y": list(y), "line": pen, "marker": {"size": 9}, "hovertemplate": f"{hover}<extra>{name}</extra>"}
        | own
    )


def points(
    name: str, x: Sequence[Any], y: Sequence[Any], shade: str | Sequence[str], *,
    spread: tuple[Sequence[float], Sequence[float]] | None = None, along: str = "y", symbol: str = "circle",
    size: float = 11, hover: str = "%{y:.3g}", **own: Any,
) -> Figure:  # fmt: skip
    """Return marks, with intervals from `spread`[0] to `spread`[1] along an axis where they are known."""
    trace: Figure = {"type": "scatter", "mode": "markers", "name": name, "x": list(x), "y": list(y)}
    if spread:
        trace[f"error_{along}"] = interval_bars(y if along == "y" else x, *spread)
    marker = {"size": size, "color": _shades(shade), "symbol": symbol}
    return trace | {"marker": marker, "hovertemplate": f"{hover}<extra>{name}</extra>"} | own


def bars(
    name: str, labels: Sequence[str], values: Sequence[float | None], shade: str | Sequence[str], *,
    text: Sequence[str] = (), inside: bool = False, lying: bool = False, opacity: float = 1.0,
    spread: tuple[Sequence[float], Sequence[float]] | None = None, hover: str = "", **own: Any,
) -> Figure:  # fmt: skip
    """Return bars with `text` on or in them, and intervals from `spread`[0] to `spread`[1] where they are known."""
    along, across = ("x", "y") if lying else ("y", "x")
    trace: Figure = {"type": "bar", "name": name, across: list(labels), along: list(values)}
    if lying:
        trace["orientation"] = "h"
    if text:
        where = {"textposition": "inside", "insidetextanchor": "middle", "textangle": 0}
        trace |= {"text": list(text), **(where if inside else {"textposition": "outside", "cliponaxis": False})}
    if spread:
        trace[f"error_{along}"] = interval_bars([value or 0.0 for value in values], *spread)
    hover_text = hover or f"%{{{across}}}: %{{{along}:.3g}}"
    return (
        trace
        | {"marker": {"color": _shades(shade, opacity)}, "hovertemplate": f"{hover_text}<extra>{name}</extra>"}
        | own
    )


def heat(
    columns: Sequence[str], rows: Sequence[str], cells: Sequence[Sequence[float | None]],
    text: Sequence[Sequence[str]], scale: Sequence[tuple[float, str]], bounds: tuple[float, float], **own: Any,
) -> Figure:  # fmt: skip
    """Return a map of `cells`, row by row, with `text` in them; `scale` goes from bounds[0] at 0 to bounds[1] at 1."""
    trace: Figure = {"type": "heatmap", "x": list(columns), "y": list(rows), "z": cells, "text": text}
    labels = {"texttemplate": "%{text}", "hovertemplate": "%{x}<br>%{y}<br>%{text}<extra></extra>", "showscale": False}
    return trace | labels | {"zmin": bounds[0], "zmax": bounds[1], "colorscale": scale, "xgap": 3, "ygap": 3} | own


def table(
    id_: str, title: str, reading: str, cells: Sequence[Mapping[str, str]], widths: Sequence[float],
    last_shades: Sequence[str] = (),
) -> Figure:  # fmt: skip
    """Return a table of rows by heading; `last_shades` colour the text of the last column, row by row."""
    columns = [[row[head] for row in cells] for head in cells[0]]
    ink: list[Any] = [[colour("ink")] * len(cells) for _ in columns]
    if last_shades:
        ink[-1] = [colour(shade) for shade in last_shades]
    box = {"align": "left", "line": {"color": colour("line")}}
    header = box | {"fill": {"color": colour("ground")}, "font": {"color": colour("dim")}}
    trace = {
        "type": "table",
        "columnwidth": list(widths),
        "header": header | {"values": [f"<b>{head.strip()}</b>" for head in cells[0]]},
        "cells": box
        | {"values": columns, "height": ROW_PX, "fill": {"color": colour("paper")}, "font": {"color": ink}},
    }
    layout = {"margin": {"l": 0, "r": 0, "t": 4, "b": 4}}
    # A cell whose text is too long takes a second line.
    return figure(id_, title, reading, [view("", [trace], layout)], 70 + round(ROW_PX * 1.7 * len(cells)))


def shares_over_time(
    title: str, arms: Mapping[str, tuple[Sequence[int], Sequence[int]]], trouble: Sequence[float], window_s: int,
    pens: Mapping[str, tuple[str, str]],
) -> Figure:  # fmt: skip
    """Return a timeline: by arm (good, due) of each second, as a share over `window_s`; `trouble` is a band behind.

    `pens`: colour and dash by arm, in the order in which arms are shown. `trouble`: from, to, in seconds.
    """
    data = [
        line(arm, range(len(arms[arm][1])), smoothed_shares(*arms[arm], window_s), shade, dash=dash, hover="%{y:.0f} %")
        for arm, (shade, dash) in pens.items()
        if arm in arms
    ]
    return view("", data, axes("seconds", title, y__range=[0, 104], shapes=[band(*trouble)], hovermode="x unified"))


def smoothed_shares(good: Sequence[int], due: Sequence[int], window_s: int) -> list[float | None]:
    """Return how many per cent of what was due were good, by second, over the seconds up to it; None of nothing."""
    windows = [slice(max(0, second - window_s + 1), second + 1) for second in range(len(due))]
    return [100 * sum(good[window]) / sum(due[window]) if any(due[window]) else None for window in windows]


def band(start: float, end: float) -> Figure:
    """Return a band over the whole height: when a fault lasted."""
    return {"type": "rect", "x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper", "line": {"width": 0},
            "fillcolor": colour("bad", 0.12), "layer": "below"}  # fmt: skip


def upright(x: float, colour_name: str, dash: str = "dot") -> Figure:
    """Return an upright line over the whole height."""
    pen = {"color": colour(colour_name, 0.6), "width": 1.5, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": pen}


def interval_bars(middle: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Figure:
    """Return the error bars of an interval around each figure."""
    return {
        "type": "data", "symmetric": False, "color": colour("ink"), "thickness": 1.5, "width": 5,
        "array": [top - value for top, value in zip(high, middle, strict=True)],
        "arrayminus": [value - bottom for bottom, value in zip(low, middle, strict=True)],
    }  # fmt: skip


def _shades(shade: str | Sequence[str], opacity: float = 1.0) -> str | list[str]:
    return colour(shade, opacity) if isinstance(shade, str) else [colour(one, opacity) for one in shade]
