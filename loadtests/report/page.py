"""Draws index.html from a result alone: one file that needs nothing else, readable offline, in light and in dark."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from loadtests.measure.verdict import PROMISES
from loadtests.report import money, sections
from loadtests.report.figures import all_figures
from loadtests.report.plot import Figure, Plot
from loadtests.report.result import INDEX, Result, all_violations, read
from loadtests.report.words import build_name, family, interval, number, percent, slug

HERE = Path(__file__).parent
SHADES = 5  # of each family, in page.css
_BACKTICKS = re.compile(r"`([^`]+)`")


def draw(folder: Path, plots_of: Callable[[str], Sequence[Plot]] = lambda _: ()) -> Path:
    """Draw `folder`/index.html from `folder`/result.json and return its path. Raises BadResult.

    `plots_of` returns the plots that an experiment of this name has of its own.
    """
    path, result = folder / INDEX, read(folder)
    path.write_text(render(result, folder.name, plots_of(result["experiment"])), "utf-8")
    return path


def render(result: Result, folder_name: str, plots: Sequence[Plot] = ()) -> str:
    """Return the page of a result."""
    figures = all_figures(result, plots)
    violations = all_violations(result)
    return template("page.html.j2").render(
        result=result,
        folder=f"reports/{folder_name}",
        when=datetime.fromisoformat(result["started_at"]).strftime("%d %B %Y, %H:%M UTC"),
        minutes=f"{result['duration_s'] / 60:.1f} minutes",
        violations=violations,
        promises=PROMISES,
        void=[run for run in result["runs"] if run["void"]],
        badges=sections.badges(result, violations),
        figures=figures,
        figures_json=as_json(figures),
        latencies=sections.latencies(result),
        costs=sections.costs(result),
        million=money.sentences(result),
        counted_names=sections.counted_names(result),
        has_mix=any(run["unit"] == "mix" for run in result["runs"]),
        promises_kept=sections.promises_kept(result, violations),
        slow_traces=result.get("details", {}).get("slow_traces", []),
        waited=sections.waited(result["runs"]),
        gate=sections.gate(result),
        environment=sections.environment(result),
        css=own("page.css") + arm_colours(run["build"] for run in result["runs"]),
        script=own("page.js"),
        plotly=plotly() if figures else "",
    )


def template(name: str) -> jinja2.Template:
    """Return a template of this folder, with the filters that pages share."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    # StrictUndefined finds our typos; fields that a result may lack are asked for with `or`.
    environment.undefined = jinja2.ChainableUndefined
    environment.filters |= {
        "number": _as_text,
        "percent": percent,
        "build": build_name,
        "slug": slug,
        "shade": shade,
        "interval": interval,
        "ticks": _ticks,
    }
    return environment.get_template(name)


def arm_colours(arms: Iterable[str]) -> Markup:
    """Return the style that gives each arm a colour: a shade of its build's, or one of its own."""
    style, used = [], Counter[str]()
    for arm in dict.fromkeys(arms):
        kin = shade(arm) if shade(arm) in ("monolith", "microservices") else "arm"
        if slug(arm) not in ("monolith", "microservices", "colocated", "floor"):
            style.append(f"--{slug(arm)}: var(--{kin}-{used[kin] % SHADES + 1});")
            used[kin] += 1
    return Markup(f"\n:root {{ {' '.join(style)} }}\n")  # noqa: S704  (slugs)


def shade(arm: str) -> str:
    """Return the colour of an arm where arms of one build are not told apart: its build's, or its own."""
    kin = {"services": "microservices"}.get(family(arm), family(arm))
    return kin if kin in ("monolith", "microservices") else slug(arm)


def _as_text(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else number(None)


def _ticks(text: str) -> Markup:
    """Return text with what stands between backticks as code; everything is escaped."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (escaped)


def as_json(figures: Sequence[Figure]) -> Markup:
    """Return plots for a script element. Their text may hold anything, and only `<` is dangerous there."""
    return Markup(json.dumps(figures).replace("<", "\\u003c"))  # noqa: S704  (escaped)


def own(name: str) -> Markup:
    """Return a file of this folder, as it is."""
    return Markup((HERE / name).read_text("utf-8"))  # noqa: S704  (a file of ours)


def plotly() -> Markup:
    """Return the library that draws the plots."""
    source = resources.files("plotly").joinpath("package_data/plotly.min.js").read_text("utf-8")
    return Markup(source)  # noqa: S704  (the library itself, inlined once)
