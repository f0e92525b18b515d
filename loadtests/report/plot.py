"""What every plot of the report is made of. Colours are named: the page knows what they are in light and in dark."""

from __future__ import annotations

from typing import Any

Figure = dict[str, Any]
UNIT_NAMES = {"mix": "confirmed order, with the browsing around it", "order": "confirmed order", "list": "list of 20",
              "product": "product page"}  # fmt: skip


def short_unit(unit: str) -> str:
    """Return what one unit of work is called in a title."""
    return UNIT_NAMES[unit].split(",")[0]


def colour(name: str, opacity: float = 1.0) -> str:
    """Return the name of a colour of the page, for its script to resolve."""
    return f"colour:{name}:{opacity:g}"


def figure(id_: str, title: str, reading: str, views: list[Figure], height: int = 380) -> Figure:
    """Return a plot: `reading` says in a sentence how to read it; the reader switches between several views."""
    return {"id": id_, "title": title, "reading": reading, "views": views, "height": height}


def view(name: str, data: list[Figure], layout: Figure) -> Figure:
    """Return one view: traces and layout for Plotly."""
    return {"name": name, "data": data, "layout": layout}


def upright(x: float, colour_name: str, dash: str = "dot") -> Figure:
    """Return an upright line over the whole height."""
    line = {"color": colour(colour_name, 0.6), "width": 1.5, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}
