"""From the runs of the scaling experiment to curves, ratios, the answer and the claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from loadtests.engine.study import Study
from loadtests.experiments.scaling.replica_changes import Changes
from loadtests.measure import scalability
from loadtests.report.claims import NOT_SHOWN, REFUTED, SUPPORTED
from loadtests.report.headline import Headline, single
from loadtests.report.result import Ratio, Result, Run, detail
from loadtests.report.words import build_name, number

BUILDS = ("monolith", "microservices")
EQUAL = "monolith-equal"  # as many replicas of the whole monolith, with the quota of all services in sum
TARGET = 3.4
FAR = 1_000  # replicas: nobody runs so many
USED_UP = 0.85  # below this the machine or the load, and not the quota, set the limit
NOT_LOWER = 0.95
FIGURES = {
    "goodput": "goodput",
    "memory_mb": "memory",
    "memory_per_goodput": "memory per order a second",
    "cold_p99": "p99 of product pages",
}
Points = Mapping[str, Sequence[Mapping[str, Any]]]


def result(study: Study, changes: Mapping[str, Changes], *, share: float, others: int) -> Result:
    """Return the result; `others` is how many replicas the services have that are not hot, each with a quota too."""
    points = {build: measured for build in (*BUILDS, EQUAL) if (measured := curve(study.runs, build))}
    laws = {
        build: law
        for build, measured in points.items()
        if (law := scalability.fit({point["replicas"]: point["goodput"] for point in measured}))
    }
    study.notes += _notes(changes, points, laws)
    return study.result(
        answer=answer(points, changes),
        comparison=compare(study.runs, points),
        findings=findings(points),
        details={
            "scaling": points,
            "share": share,
            "quota_units": {"monolith": 0, "microservices": others},
            "laws": {build: vars(law) for build, law in laws.items()},
            "changes": {build: change.as_dict() for build, change in changes.items()},
        },
    )


def curve(runs: Sequence[Run], build: str) -> list[dict[str, Any]]:
    """Return, for each number of replicas, the means over its runs (and of the p99s the highest)."""
    by_replicas: dict[int, list[Run]] = {}
    for run in runs:
        if run["build"] == build and not run["void"]:
            by_replicas.setdefault(run["pair"], []).append(run)
    points = []
    for replicas, same in sorted(by_replicas.items()):
        goodput = [run["rate_achieved"] for run in same]
        memory = mean(sum(run["memory_mb_by_part"].values()) for run in same)
        latencies = [run["latency_ms"] for run in same if run["latency_ms"]]
        points.append(
            {
                "replicas": replicas,
                "goodput": mean(goodput),
                "goodput_low": min(goodput),
                "goodput_high": max(goodput),
                "memory_mb": memory,
                "quota_used": min(run.get("generator", {}).get("quota_used", 1.0) for run in same),
                "memory_per_goodput": memory / mean(goodput) if mean(goodput) else math.inf,
                "cold_p50": mean(latency["p50"] for latency in latencies),
                "cold_p99": max(latency["p99"] for latency in latencies),
            }
        )
    return points


def compare(runs: Sequence[Run], points: Points) -> dict[str, Ratio]:
    """Return how goodput grew from the fewest to the most replicas, and services over either monolith at the most."""
    figures: dict[str, Ratio] = {}
    for build in BUILDS:
        first, last = points[build][0], points[build][-1]
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
    for base, ending in (("monolith", ""), (EQUAL, ", quotas equal in sum")):
        one, other = (points.get(build) or [{}] for build in (base, "microservices"))
        for key, what in FIGURES.items():
            a, b = one[-1].get(key, 0), other[-1].get(key, 0)
            if a > 0 and b > 0 and math.isfinite(a + b):
                figures[f"{key}_services_vs_{base}"] = {
                    "ratio": b / a, "low": b / a, "high": b / a, "a": base, "b": "microservices", "pairs": 1,
                    "what": f"{what} at {one[-1]['replicas']} replicas{ending}", "verdict": "withheld",
                }  # fmt: skip
    return figures


def added_memory(points: Sequence[Mapping[str, Any]]) -> float:
    """Return the megabytes that one more replica adds, from the fewest to the most."""
    first, last = points[0], points[-1]
    span = last["replicas"] - first["replicas"]
    return float(last["memory_mb"] - first["memory_mb"]) / span if span else 0.0


def same_memory_at(points: Points) -> float | None:
    """Return the number of replicas at which both would need the same memory, if it goes on like this; None: never."""
    gains = added_memory(points["monolith"]) - added_memory(points["microservices"])
    behind = points["microservices"][0]["memory_mb"] - points["monolith"][0]["memory_mb"]
    return float(points["monolith"][0]["replicas"] + behind / gains) if gains > 0 and behind > 0 else None


def grown(points: Sequence[Mapping[str, Any]]) -> float:
    """Return how many times the goodput of the fewest replicas the most have."""
    return float(points[-1]["goodput"] / points[0]["goodput"])


def answer(points: Points, changes: Mapping[str, Changes]) -> list[str]:
    """Return the answer in three sentences."""
    one, other = (points[build][-1] for build in BUILDS)
    fair = points.get(EQUAL)
    equal = f", {number(fair[-1]['goodput'])}/s by a monolith with as much quota in sum" if fair else ""
    lost = [
        f"{change.failed} of {change.requests:,} requests failed in {change.done} changes ({build})"
        for build, change in changes.items()
    ]
    return [
        f"{one['replicas']} times the whole monolith gave {number(grown(points['monolith']), 2)} times the orders, "
        f"{one['replicas']} times only the payments service {number(grown(points['microservices']), 2)} times "
        f"({number(one['goodput'])}/s against {number(other['goodput'])}/s{equal}).",
        f"An order a second then took {number(one['memory_per_goodput'])} MB in the monolith and "
        f"{number(other['memory_per_goodput'])} MB in the services; the p99 of product pages was "
        f"{number(one['cold_p99'])} ms against {number(other['cold_p99'])} ms.",
        f"Replicas came and went under load: {', '.join(lost)}.",
    ]


def findings(points: Points) -> dict[str, tuple[str, str]]:
    """Return the verdict on C2, by the rule of the docstring: against the monolith with as much quota in sum."""
    one, other = (points[build][-1] for build in BUILDS)
    fair = (points.get(EQUAL) or points["monolith"])[-1]
    most, least = one["replicas"], points["monolith"][0]["replicas"]
    if most < 4:
        verdict = NOT_SHOWN
    elif other["goodput"] < NOT_LOWER * fair["goodput"] or other["memory_per_goodput"] > fair["memory_per_goodput"]:
        verdict = REFUTED
    else:
        verdict = SUPPORTED
    memory = {build: added_memory(points[build]) for build in BUILDS}
    evidence = (
        f"From {least} to {most} replicas goodput grew {number(grown(points['monolith']), 2)} times with the whole "
        f"monolith and {number(grown(points['microservices']), 2)} times with payments alone. With as much quota in "
        f"sum {most} monoliths gave {number(fair['goodput'])}/s, the services {number(other['goodput'])}/s. One more "
        f"replica took {number(memory['monolith'])} MB against {number(memory['microservices'])} MB; an order a second "
        f"took {number(fair['memory_per_goodput'])} MB of all parts against {number(other['memory_per_goodput'])} MB. "
        f"The p99 of product pages at {most} replicas: {number(fair['cold_p99'])} ms against "
        f"{number(other['cold_p99'])} ms."
    )
    return {"C2": (verdict, evidence)}


def headline(result: Result) -> Headline | None:
    """Orders a second with the most replicas that were tried."""
    points: Points = detail(result, "scaling") or {}
    most = max((one[-1]["replicas"] for one in points.values()), default=0)
    what = f"confirmed orders a second with {most} replicas (equal: as much quota as all services in sum)"
    return single(what, "/s", ((arm, one[-1]["goodput"]) for arm, one in points.items()), "Means of single slices.")


def _notes(changes: Mapping[str, Changes], points: Points, laws: Mapping[str, scalability.Scalability]) -> list[str]:
    notes = []
    if points["microservices"][-1]["replicas"] == 4:
        times = grown(points["microservices"])
        verb = "reaches" if times >= TARGET else "misses"
        notes.append(f"The hot service alone, 1 to 4 replicas: {times:.2f} times the goodput, which {verb} {TARGET}.")
    if meet := same_memory_at(points):
        notes.append(
            f"If memory grew on like this, both ways of scaling would need the same at about {meet:.0f} replicas."
        )
    starved = [
        f"{build_name(build)} with {point['replicas']} ({point['quota_used']:.0%})"
        for build, measured in points.items()
        for point in measured
        if point["quota_used"] < USED_UP
    ]
    if starved:
        notes.append(
            f"In some run of {', '.join(starved)} the hot part used less than {USED_UP:.0%} of its quota: the machine "
            "was busy, and these points are too low."
        )
    for build, law in laws.items():
        peak = f"peak at {law.peak:.0f} replicas" if law.peak < FAR else "no peak in sight"
        notes.append(
            f"Universal Scalability Law, {build}: contention {law.contention:.3f}, coherence {law.coherence:.4f}, "
            f"{peak}."
        )
    return notes + [
        f"{build}, a change of replicas: {failure}"
        for build, change in changes.items()
        for failure in change.failures[:5]
    ]
