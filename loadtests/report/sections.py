"""The rows of the report's tables, made of a result."""

from __future__ import annotations

import statistics
from typing import Any

from loadtests.measure.verdict import PROMISES
from loadtests.report import parts, summary
from loadtests.report.plot import UNIT_NAMES
from loadtests.report.result import Result, Run
from loadtests.report.words import journey_name, percent, plural

BUSY_SHARE = 0.5  # of all cores, used by others before the experiment began
COUNTED_NAMES = {
    "db_statements": "statements",
    "db_commits": "commits",
    "calls": "calls",
    "events_published": "events",
}


def badges(result: Result, violations: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the badges under the answer: books, gate, budgets, a busy machine."""
    checked = [run for run in result["runs"] if run["reconciled"] is not None and not run["void"]]
    # The books of many slices are closed once, at the last of them, for the orders of all.
    orders = sum(run.get("reconciliation", {}).get("confirmed", run["orders_confirmed"]) for run in checked)
    badges = []
    if violations:
        badges.append({"kind": "bad", "text": f"{len(violations)} violations"})
    elif checked:
        extent = f"{plural(len(checked), 'check')}, {plural(orders, 'confirmed order')}"
        extent_of_view = ", as far as an address shows them" if result.get("details", {}).get("elsewhere") else ""
        badges.append({"kind": "good", "text": f"books right{extent_of_view}: {extent}"})
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
    env = result["environment"]
    if env.get("load_average", [0.0])[0] > BUSY_SHARE * env["cores"]:
        badges.append({"kind": "warn", "text": f"a busy machine: load {env['load_average'][0]:.1f} before it began"})
    return badges


def latencies(result: Result) -> list[dict[str, Any]]:
    """Return a row for each journey and build."""
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


def costs(result: Result) -> list[dict[str, Any]]:
    """Return what a unit of work cost in each build."""
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
                "counted": {label: _counted(arm, name) for name, label in COUNTED_NAMES.items()},
            }
        )
    return rows


def _counted(arm: summary.Arm, name: str) -> float | None:
    runs = [run for run in arm.runs if run.get("counted")]
    units = sum(arm.units_of(run) for run in runs)
    return sum(part.get(name, 0) for run in runs for part in run["counted"].values()) / units if units else None


def counted_names(result: Result) -> list[str]:
    """Return the columns of what was counted in the clients; none if nothing was."""
    return list(COUNTED_NAMES.values()) if any(run.get("counted") for run in result["runs"]) else []


def promises_kept(result: Result, violations: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return each promise with how often it was looked at and broken; none if no books were checked."""
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


def waited(runs: list[Run]) -> dict[str, float]:
    """Return how long it took until all was at rest, in seconds."""
    waited = [run["reconciliation"]["waited_s"] for run in runs if run.get("reconciliation")]
    return {"median": statistics.median(waited), "max": max(waited)} if waited else {"median": 0.0, "max": 0.0}


def gate(result: Result) -> str:
    """Return what the A/A gate says, in a sentence."""
    gate = result["aa_gate"]
    if gate is None:
        return "None was run, so this report names no winner in speed; figures are indicative."
    verb = "is equivalent to" if gate["passed"] else "could not be shown equivalent to"
    tolerance = f" within ±{percent(gate['tolerance'])}" if "tolerance" in gate else ""
    return f"A build {verb} itself{tolerance}: its spread was {percent(gate['spread'])}."


def environment(result: Result) -> list[tuple[str, str]]:
    """Return the rows that say where it was measured."""
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
    rows += [(name.replace("_", " "), str(value)) for name, value in env.get("topology", {}).items()]
    if "load_average" in env:
        rows.append(("load average before", ", ".join(f"{value:.2f}" for value in env["load_average"])))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in env["versions"].items())))
    return rows


def _cores(cores: list[int] | None) -> str:
    return ", ".join(map(str, cores)) if cores else "not bound"
