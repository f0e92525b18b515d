"""From the runs of the scaling experiment to curves, ratios, the answer and the claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.engine.study import Study
from loadtests.experiments.replica_changes import Changes
from loadtests.measure import scalability
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import number

BUILDS = ("monolith", "microservices")
TARGET = 3.4
FAR = 1_000  # replicas: nobody runs so many
USED_UP = 0.85  # below this the machine or the load, and not the quota, set the limit
NOT_LOWER = 0.95


def result(study: Study, changes: Mapping[str, Changes], *, share: float, others: int) -> Result:
    """Return the result; `others` is how many replicas the services have that are not hot, each with a quota too."""
    points = {build: curve(study.runs, build) for build in BUILDS}
    laws = {
        build: scalability.fit({point["replicas"]: point["goodput"] for point in found})
        for build, found in points.items()
    }
    details: dict[str, Any] = {
        "scaling": points,
        "share": share,
        "quota_units": {"monolith": 0, "microservices": others},
        "laws": {
            build: {"one": law.one, "contention": law.contention, "coherence": law.coherence}
            for build, law in laws.items()
            if law
        },
        "changes": {build: change.as_dict() for build, change in changes.items()},
    }
    figures = compare(study.runs, points)
    study.notes += _notes(changes, points, laws)
    return study.result(answer=answer(points, changes), comparison=figures, findings=findings(points), details=details)


def curve(runs: Sequence[Run], build: str) -> list[dict[str, Any]]:
    """Return, for each number of replicas, the means over its runs (and of the p99s the highest)."""
    found: dict[int, list[Run]] = {}
    for run in runs:
        if run["build"] == build and not run["void"]:
            found.setdefault(run["pair"], []).append(run)
    points = []
    for replicas, same in sorted(found.items()):
        goodput = [run["rate_achieved"] for run in same]
        memory = _mean([sum(run["memory_mb_by_part"].values()) for run in same])
        latencies = [run["latency_ms"] for run in same if run["latency_ms"]]
        points.append(
            {
                "replicas": replicas,
                "goodput": _mean(goodput),
                "goodput_low": min(goodput),
                "goodput_high": max(goodput),
                "memory_mb": memory,
                "quota_used": min(run.get("generator", {}).get("quota_used", 1.0) for run in same),
                "memory_per_goodput": memory / _mean(goodput) if _mean(goodput) else math.inf,
                "cold_p50": _mean([latency["p50"] for latency in latencies]),
                "cold_p99": max(latency["p99"] for latency in latencies),
            }
        )
    return points


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def compare(runs: Sequence[Run], points: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Ratio]:
    """Return how goodput grew from the fewest to the most replicas, and services over monolith at the most."""
    figures: dict[str, Ratio] = {}
    for build, found in points.items():
        first, last = found[0], found[-1]
        if first["goodput"] > 0 and first is not last:
            figures[f"goodput_{build}_{last['replicas']}_vs_{first['replicas']}"] = {
                "ratio": last["goodput"] / first["goodput"],
                "low": last["goodput_low"] / first["goodput_high"],
                "high": last["goodput_high"] / first["goodput_low"],
                "a": build,
                "b": build,
                "what": f"goodput, {last['replicas']} replicas over {first['replicas']}",
                "pairs": sum(run["build"] == build and run["pair"] == last["replicas"] for run in runs),
                "verdict": "withheld",
            }
    one, other = points["monolith"][-1], points["microservices"][-1]
    for key, what in (
        ("goodput", "goodput"),
        ("memory_mb", "memory"),
        ("memory_per_goodput", "memory per order a second"),
        ("cold_p99", "p99 of product pages"),
    ):
        if one[key] > 0 and other[key] > 0 and math.isfinite(one[key] + other[key]):
            ratio = other[key] / one[key]
            figures[f"{key}_services_vs_monolith"] = {
                "ratio": ratio, "low": ratio, "high": ratio, "a": "monolith", "b": "microservices",
                "what": f"{what} at {one['replicas']} replicas", "verdict": "withheld",
            }  # fmt: skip
    return figures


def added_memory(points: Sequence[Mapping[str, Any]]) -> float:
    """Return the megabytes that one more replica adds, from the fewest to the most."""
    first, last = points[0], points[-1]
    span = last["replicas"] - first["replicas"]
    return float(last["memory_mb"] - first["memory_mb"]) / span if span else 0.0


def same_memory_at(points: Mapping[str, Sequence[Mapping[str, Any]]]) -> float | None:
    """Return the number of replicas at which both would need the same memory, if it goes on like this; None: never."""
    gains = added_memory(points["monolith"]) - added_memory(points["microservices"])
    behind = points["microservices"][0]["memory_mb"] - points["monolith"][0]["memory_mb"]
    return float(points["monolith"][0]["replicas"] + behind / gains) if gains > 0 and behind > 0 else None


def answer(points: Mapping[str, Sequence[Mapping[str, Any]]], changes: Mapping[str, Changes]) -> list[str]:
    """Return the answer in three sentences at most."""
    grown = {build: found[-1]["goodput"] / found[0]["goodput"] for build, found in points.items()}
    last = {build: found[-1] for build, found in points.items()}
    most = last["monolith"]["replicas"]
    return [
        f"{most} times the whole monolith gave {number(grown['monolith'], 2)} times the orders, {most} times only the "
        f"payments service {number(grown['microservices'], 2)} times ({number(last['monolith']['goodput'])}/s against "
        f"{number(last['microservices']['goodput'])}/s).",
        f"An order a second then took {number(last['monolith']['memory_per_goodput'])} MB in the monolith and "
        f"{number(last['microservices']['memory_per_goodput'])} MB in the services; the p99 of product pages was "
        f"{number(last['monolith']['cold_p99'])} ms against {number(last['microservices']['cold_p99'])} ms.",
        "Replicas came and went under load: "
        + ", ".join(
            f"{change.failed} of {change.requests:,} requests failed in {change.done} changes ({build})"
            for build, change in changes.items()
        )
        + ".",
    ]


def findings(points: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, tuple[str, str]]:
    """Return the verdict on C2, by the rule of the docstring."""
    one, other = points["monolith"][-1], points["microservices"][-1]
    most, least = one["replicas"], points["monolith"][0]["replicas"]
    if most < 4:
        verdict = "not shown"
    elif other["goodput"] < NOT_LOWER * one["goodput"] or other["memory_per_goodput"] > one["memory_per_goodput"]:
        verdict = "refuted"
    else:
        verdict = "supported"
    grown = {build: found[-1]["goodput"] / found[0]["goodput"] for build, found in points.items()}
    memory = {build: added_memory(found) for build, found in points.items()}
    evidence = (
        f"From {least} to {most} replicas goodput grew {number(grown['monolith'], 2)} times with the whole monolith "
        f"and {number(grown['microservices'], 2)} times with payments alone. One more replica took "
        f"{number(memory['monolith'])} MB against {number(memory['microservices'])} MB; an order a second took "
        f"{number(one['memory_per_goodput'])} MB of all parts against {number(other['memory_per_goodput'])} MB. "
        f"The p99 of product pages at {most} replicas: {number(one['cold_p99'])} ms against "
        f"{number(other['cold_p99'])} ms."
    )
    return {"C2": (verdict, evidence)}


def _notes(
    changes: Mapping[str, Changes],
    points: Mapping[str, Sequence[Mapping[str, Any]]],
    laws: Mapping[str, scalability.Scalability | None],
) -> list[str]:
    notes = []
    grown = points["microservices"][-1]["goodput"] / points["microservices"][0]["goodput"]
    if points["microservices"][-1]["replicas"] == 4:
        verb = "reaches" if grown >= TARGET else "misses"
        notes.append(f"The hot service alone, 1 to 4 replicas: {grown:.2f} times the goodput, which {verb} {TARGET}.")
    if meet := same_memory_at(points):
        notes.append(
            f"If memory grew on like this, both ways of scaling would need the same at about {meet:.0f} replicas."
        )
    starved = [
        f"{build} with {point['replicas']} ({point['quota_used']:.0%})"
        for build, found in points.items()
        for point in found
        if point["quota_used"] < USED_UP
    ]
    if starved:
        notes.append(
            f"In some run of {', '.join(starved)} the hot part used less than {USED_UP:.0%} of its quota: the machine "
            "was busy, and these points are too low."
        )
    for build, law in laws.items():
        if law:
            peak = f"peak at {law.peak:.0f} replicas" if law.peak < FAR else "no peak in sight"
            notes.append(
                f"Universal Scalability Law, {build}: contention {law.contention:.3f}, coherence {law.coherence:.4f}, "
                f"{peak}."
            )
    for build, change in changes.items():
        notes += [f"{build}, a change of replicas: {failure}" for failure in change.failures[:5]]
    return notes
