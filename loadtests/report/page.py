"""Draws index.html from a result alone: one file that needs nothing else, readable offline, in light and in dark."""

from __future__ import annotations

import json
import re
import statistics
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from loadtests.measure.verdict import PROMISES
from loadtests.report import parts, summary
from loadtests.report.figures import all_figures
from loadtests.report.plot import UNIT_NAMES
from loadtests.report.result import INDEX, Result, Run, all_violations, read
from loadtests.report.words import build_name, interval, journey_name, number, percent

HERE = Path(__file__).parent
_BACKTICKS = re.compile(r"`([^`]+)`")
COUNTED_NAMES = {
    "db_statements": "statements",
    "db_commits": "commits",
    "calls": "calls",
    "events_published": "events",
}


def draw(folder: Path) -> Path:
    """Draw `folder`/index.html from `folder`/result.json and return its path. Raises BadResult."""
    path = folder / INDEX
    path.write_text(render(read(folder), folder.name), "utf-8")
    return path


def render(result: Result, folder_name: str) -> str:
    """Return the page of a result."""
    figures = all_figures(result)
    violations = all_violations(result)
    # Untrusted text (ids, problem details) may hold anything: inside a script element only `<` is dangerous.
    figures_json = json.dumps(figures).replace("<", "\\u003c")
    return _template().render(
        result=result,
        folder=f"reports/{folder_name}",
        when=datetime.fromisoformat(result["started_at"]).strftime("%d %B %Y, %H:%M UTC"),
        minutes=f"{result['duration_s'] / 60:.1f} minutes",
        violations=violations,
        promises=PROMISES,
        void=[run for run in result["runs"] if run["void"]],
        badges=_badges(result, violations),
        figures=figures,
        figures_json=Markup(figures_json),  # noqa: S704  (escaped above)
        latencies=_latencies(result),
        costs=_costs(result),
        counted_names=_counted_names(result),
        has_mix=any(run["unit"] == "mix" for run in result["runs"]),
        promises_kept=_promises_kept(result, violations),
        waited=_waited(result["runs"]),
        gate=_gate(result),
        environment=_environment(result),
        css=_own("page.css"),
        script=_own("page.js"),
        plotly=_plotly() if figures else "",
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    # StrictUndefined finds our typos; fields that a result may lack are asked for with `or`.
    environment.undefined = jinja2.ChainableUndefined
    environment.filters |= {
        "number": _shown,
        "percent": percent,
        "build": build_name,
        "interval": interval,
        "ticks": _ticks,
    }
    return environment.get_template("page.html.j2")


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else number(None)


def _ticks(text: str) -> Markup:
    """Return text with what stands between backticks as code; everything is escaped."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (escaped)


def _own(name: str) -> Markup:
    return Markup((HERE / name).read_text("utf-8"))  # noqa: S704  (a file of ours)


def _plotly() -> Markup:
    source = resources.files("plotly").joinpath("package_data/plotly.min.js").read_text("utf-8")
    return Markup(source)  # noqa: S704  (the library itself, inlined once)


def _badges(result: Result, violations: list[dict[str, str]]) -> list[dict[str, str]]:
    checked = [run for run in result["runs"] if run["reconciled"] is not None and not run["void"]]
    orders = sum(run["orders_confirmed"] for run in checked)
    badges = []
    if violations:
        badges.append({"kind": "bad", "text": f"{len(violations)} violations"})
    elif checked:
        badges.append({"kind": "good", "text": f"books right after {len(checked)} runs, {orders:,} confirmed orders"})
    gate = result["aa_gate"]
    if gate is None:
        badges.append({"kind": "warn", "text": "indicative: no A/A gate was run"})
    elif gate["passed"]:
        badges.append({"kind": "good", "text": f"A/A gate passed: spread {percent(gate['spread'])}"})
    else:
        badges.append({"kind": "bad", "text": f"A/A gate failed: spread {percent(gate['spread'])}, no winner is named"})
    if not result["environment"]["budgets"]["enforced"]:
        badges.append(
            {"kind": "warn", "text": "core budgets not enforced: speed says nothing here, CPU per order does"}
        )
    return badges


def _latencies(result: Result) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    timed = [arm for arm in summary.arms(result) if arm.histograms]
    journeys = sorted(
        {journey for arm in timed for journey in arm.histograms},
        key=lambda journey: (journey != summary.ALL, journey != "order", journey),
    )
    for journey in journeys:
        having = [arm for arm in timed if journey in arm.histograms]
        for place, arm in enumerate(having):
            histogram = arm.histograms[journey]
            named = {"journey": journey_name(journey), "build": arm.build, "first": place == 0}
            rows.append(named | {"count": histogram.count} | dict(summary.latency_of(histogram)))
    return rows


def _costs(result: Result) -> list[dict[str, Any]]:
    rows = []
    for arm in summary.arms(result):
        if not arm.cpu_ms_by_part:
            continue
        databases = sum(ms for part, ms in arm.cpu_ms_by_part.items() if parts.family(part) == "databases")
        rows.append(
            {
                "build": arm.build,
                "unit": UNIT_NAMES[arm.unit],
                "units": arm.units,
                "cpu_ms": arm.cpu_ms,
                "databases_ms": databases,
                "memory_mb": arm.memory_mb,
                "counted": {shown: _counted(arm, name) for name, shown in COUNTED_NAMES.items()},
            }
        )
    return rows


def _counted(arm: summary.Arm, name: str) -> float | None:
    runs = [run for run in arm.runs if run.get("counted")]
    units = sum(arm.units_of(run) for run in runs)
    return sum(part.get(name, 0) for run in runs for part in run["counted"].values()) / units if units else None


def _counted_names(result: Result) -> list[str]:
    return list(COUNTED_NAMES.values()) if any(run.get("counted") for run in result["runs"]) else []


def _promises_kept(result: Result, violations: list[dict[str, str]]) -> list[dict[str, Any]]:
    looked_at = summary.looked_at(result)
    if not looked_at:
        return []
    return [
        {
            "promise": promise,
            "text": text,
            "looked_at": looked_at.get(promise, 0),
            "broken": sum(violation["promise"] == promise for violation in violations),
        }
        for promise, text in PROMISES.items()
    ]


def _waited(runs: list[Run]) -> dict[str, float]:
    waited = [run["reconciliation"]["waited_s"] for run in runs if run.get("reconciliation")]
    return {"median": statistics.median(waited), "max": max(waited)} if waited else {"median": 0.0, "max": 0.0}


def _gate(result: Result) -> str:
    gate = result["aa_gate"]
    if gate is None:
        return "None was run, so this report names no winner in speed; figures are indicative."
    verb = "is equivalent to" if gate["passed"] else "could not be shown equivalent to"
    tolerance = f" within ±{percent(gate['tolerance'])}" if "tolerance" in gate else ""
    return f"A build {verb} itself{tolerance}: its spread was {percent(gate['spread'])}."


def _environment(result: Result) -> list[tuple[str, str]]:
    env = result["environment"]
    budgets = env["budgets"]
    rows = [
        ("processor", f"{env['cpu']}, {env['cores']} cores"),
        ("memory", f"{env['memory_mb'] / 1000:.1f} GB"),
        ("system", f"{env['os']}, Python {env['python']}"),
        ("commit", env["commit"]),
        ("seed", str(env["seed"])),
        ("cores of a build", _cores(budgets["build_cores"])),
        ("cores of the generator and the outside world", _cores(budgets["other_cores"])),
    ]
    if "load_average" in env:
        rows.append(("load average before", ", ".join(f"{value:.2f}" for value in env["load_average"])))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in env["versions"].items())))
    return rows


def _cores(cores: list[int] | None) -> str:
    return ", ".join(map(str, cores)) if cores else "not bound"
