"""From the runs of the scaling experiment to curves, the answer and the claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from loadtests.engine.declaration import Conclusion
from loadtests.measure import scalability
from loadtests.report.claims import NOT_SHOWN, REFUTED, SUPPORTED
from loadtests.report.headline import Headline, single
from loadtests.report.result import Ratio, Result, Run, detail
from loadtests.report.words import build_name, number, sentence_of_list

BUILDS = ("monolith", "microservices")
ROUTED = "monolith-routed"  # only its pool for orders is copied
TARGET = 3.4
FAR = 1_000  # replicas: nobody runs so many
USED_UP = 0.85  # below this the machine or the load, and not the quota, set the limit
NOT_LOWER = 0.95
Points = Mapping[str, Sequence[Mapping[str, Any]]]


def conclude(runs: Sequence[Run], _: Mapping[str, Ratio], details: Mapping[str, Any]) -> Conclusion:
    """Return the answer, the verdict on C2, and curves by arm."""
    points = {arm: measured for arm in (*BUILDS, ROUTED) if (measured := curve(runs, arm))}
    if not all(build in points for build in BUILDS):
        return Conclusion(["Too few valid runs to say anything."])
    law = scalability.fit({point["replicas"]: point["goodput"] for point in points["microservices"]})
    own = {"scaling": points} | ({"law": vars(law)} if law else {})
    return Conclusion(answer(points, details.get("changes", {})), findings(points), own, _notes(points, law))


def curve(runs: Sequence[Run], arm: str) -> list[dict[str, Any]]:
    """Return the means over the runs of each number of replicas."""
    by_replicas: dict[int, list[Run]] = {}
    for run in runs:
        if run["build"] == arm and not run["void"]:
            by_replicas.setdefault(int(run["factors"]["replicas"]), []).append(run)
    points = []
    for replicas, same in sorted(by_replicas.items()):
        goodput = mean(run["rate_achieved"] for run in same)
        memory = mean(sum(run["memory_mb_by_part"].values()) for run in same)
        points.append(
            {
                "replicas": replicas, "goodput": goodput, "memory_mb": memory,
                "memory_per_goodput": memory / goodput if goodput else math.inf,
                "cold_p95": mean(run["latency_ms"]["p95"] for run in same if run["latency_ms"]),
                "quota_used": min(run.get("generator", {}).get("quota_used", 1.0) for run in same),
            }
        )  # fmt: skip
    return points


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
    return float(points[-1]["goodput"] / points[0]["goodput"]) if points[0]["goodput"] else math.inf


def answer(points: Points, changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the answer in three sentences."""
    last = {arm: measured[-1] for arm, measured in points.items()}
    goodput = [f"{number(point['goodput'])}/s ({build_name(arm)})" for arm, point in last.items()]
    price = [f"{number(point['memory_per_goodput'])} MB and {number(point['cold_p95'])} ms ({build_name(arm)})"
             for arm, point in last.items()]  # fmt: skip
    lost = [f"{one['failed']} of {one['requests']:,} requests failed in {one['done']} changes ({build_name(arm)})"
            for arm, one in changes.items()]  # fmt: skip
    return [
        f"With {last['monolith']['replicas']} replicas of what is in demand, and as much quota in sum, goodput was "
        f"{sentence_of_list(goodput)}.",
        f"An order a second then took, and the p95 of product pages was: {sentence_of_list(price)}.",
        f"Replicas came and went under load: {', '.join(lost) or 'not tried'}.",
    ]


def findings(points: Points) -> dict[str, tuple[str, str]]:
    """Return the verdict on C2, by the rule of the docstring: against whichever monolith does better."""
    other = points["microservices"][-1]
    controls = [points[arm][-1] for arm in ("monolith", ROUTED) if arm in points]
    if other["replicas"] < 4:
        verdict = NOT_SHOWN
    elif other["goodput"] < NOT_LOWER * max(one["goodput"] for one in controls) or (
        other["memory_per_goodput"] > min(one["memory_per_goodput"] for one in controls)
    ):
        verdict = REFUTED
    else:
        verdict = SUPPORTED
    sentences = [
        f"{build_name(arm)}: goodput {number(measured[-1]['goodput'])}/s, one more "
        f"replica {number(added_memory(measured))} MB, an order a second "
        f"{number(measured[-1]['memory_per_goodput'])} MB of all parts, p95 of product pages "
        f"{number(measured[-1]['cold_p95'])} ms"
        for arm, measured in points.items()
    ]
    evidence = f"At {other['replicas']} replicas, with quotas equal in sum. {'; '.join(sentences)}."
    return {"C2": (verdict, evidence)}


def _notes(points: Points, law: scalability.Scalability | None) -> list[str]:
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
        f"{build_name(arm)} with {point['replicas']} ({point['quota_used']:.0%})"
        for arm, measured in points.items()
        for point in measured
        if point["quota_used"] < USED_UP
    ]
    if starved:
        notes.append(
            f"In some run of {', '.join(starved)} the hot part used less than {USED_UP:.0%} of its quota: the machine "
            "was busy, or something else was the limit."
        )
    if law:
        peak = f"peak at {law.peak:.0f} replicas" if law.peak < FAR else "no peak in sight"
        notes.append(
            f"Universal Scalability Law, the hot service: contention {law.contention:.3f}, coherence "
            f"{law.coherence:.4f}, {peak}."
        )
    return notes


def headline(result: Result) -> Headline | None:
    """Orders a second with the most replicas that were tried."""
    points: Points = detail(result, "scaling") or {}
    most = max((one[-1]["replicas"] for one in points.values()), default=0)
    what = f"confirmed orders a second with {most} replicas of what is hot, and as much quota in sum"
    return single(what, "/s", ((arm, one[-1]["goodput"]) for arm, one in points.items()), "Means over fresh starts.")
