"""Draws profiles as one page that needs nothing else: flame graphs of the builds side by side, and tables of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import jinja2
from markupsafe import Markup

from loadtests.profiling.flames import Frame, top_functions
from loadtests.profiling.profiles import Profile
from loadtests.report import page as report
from loadtests.report.words import build_name

HERE = Path(__file__).parent
SHOWN_SHARE = 0.002  # of a unit of work: a narrower box cannot be seen
TOP = 15
OWN = ("(monolith/", "(microservices/", "(shared/", "(migration/", "(variants/")


def write(path: Path, profiles: Sequence[Profile]) -> Path:
    """Write the page, making its folder, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(profiles), "utf-8")
    return path


def render(profiles: Sequence[Profile]) -> str:
    """Return the page of these profiles, by unit of work."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["build"] = build_name
    ordered = sorted(profiles, key=lambda one: one.unit, reverse=True)  # the order first
    return environment.get_template("page.html.j2").render(
        units=[(unit, list(of_unit)) for unit, of_unit in groupby(ordered, key=lambda one: one.unit)],
        callees=_callees,
        top=lambda frame: top_functions(frame, TOP),
        is_own=lambda name: any(folder in name for folder in OWN),
        css=Markup("\n").join(source(name) for name in (report.HERE / "page.css", HERE / "page.css")),
        script=source(HERE / "page.js"),
    )


def source(path: Path) -> Markup:
    """Return a file of ours as it stands."""
    return Markup(path.read_text("utf-8"))  # noqa: S704


def _callees(frame: Frame, whole_ms: float) -> Iterator[Frame]:
    """Yield what a function calls that is wide enough to be seen, the dearest first."""
    for callee in sorted(frame.callees.values(), key=lambda one: -one.ms):
        if callee.ms >= whole_ms * SHOWN_SHARE:
            yield callee
