"""From the slices of the overhead ladder to steps, ratios, the gate, the answer and the claim."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from loadtests.engine import pairing
from loadtests.engine.study import Study
from loadtests.experiments.ladder_rungs import AGAIN, LISTED, Rung
from loadtests.experiments.ladder_rungs import beside as beside_of
from loadtests.measure.statistics import NotComparable
from loadtests.measure.steps import Step, step
from loadtests.report import summary
from loadtests.report.result import Gate, Ratio, Result, Run
from loadtests.report.words import number, sentence_of_list, times

TOP = "microservices"
UNITS = {"order": "confirmed order", "list": "list of 20"}
TARGETS = {("monolith", "order"): 2.5}
GATE_TOLERANCE = 0.10


def result(study: Study, rungs: Sequence[Rung], ablations: Sequence[Rung]) -> Result:
    """Return the result of what the study has found."""
    names = [rung.name for rung in rungs]
    steps = {unit: climbed(study.runs, passed(names, unit), unit) for unit in UNITS}
    beside = [
        found for rung in ablations if (found := added(study.runs, beside_of(rung), rung.name, "order")) is not None
    ]
    found_gate = gate(study.runs)
    named = found_gate is not None and found_gate["passed"]
    figures = compare(study.runs, names, ablations, withhold=not named)
    details: dict[str, Any] = {
        "ladder": {
            unit: {"base": base(study.runs, names[0], unit), "steps": [one.as_dict() for one in found]}
            for unit, found in steps.items()
        },
        "beside": [one.as_dict() for one in beside],
        "rungs": {rung.name: rung.what for rung in (*rungs, *ablations)},
        "waits": waits(study.runs, [*names, *(rung.name for rung in ablations)]),
    }
    return study.result(
        answer=answer(figures, steps["order"]),
        comparison=figures,
        findings=findings(figures, steps["order"]),
        gate=found_gate,
        details=details,
    )


def added(runs: Sequence[Run], a: str, b: str, unit: str) -> Step | None:
    """Return the CPU ms per unit that `b` took more than `a`, over rounds that have both; None with fewer than two."""
    try:
        pairs = pairing.pairs_of(runs, a, b, pairing.cpu_per_unit, unit)
        return step(a, b, pairs.a, pairs.b)
    except NotComparable:
        return None


def passed(names: Sequence[str], unit: str) -> list[str]:
    """Return the rungs that make a difference for this unit of work."""
    return [name for name in names if unit == "order" or name in LISTED]


def climbed(runs: Sequence[Run], names: Sequence[str], unit: str) -> list[Step]:
    """Return the steps of the ladder, from the bottom to the top."""
    pairs = itertools.pairwise(names)
    return [found for a, b in pairs if (found := added(runs, a, b, unit)) is not None]


def base(runs: Sequence[Run], name: str, unit: str) -> float:
    """Return the mean CPU ms per unit of the lowest rung; 0 if it has no valid slice."""
    found = [run["cpu_ms_per_unit"] or 0.0 for run in runs if _valid(run, name, unit)]
    return sum(found) / len(found) if found else 0.0


def _valid(run: Run, name: str, unit: str) -> bool:
    return run["build"] == name and run["unit"] == unit and not run["void"]


def waits(runs: Sequence[Run], names: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Return p50 and p99 in ms of each rung, by unit, of all its slices together."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for unit in UNITS:
        for name in names:
            arm = summary.Arm(name, unit, tuple(run for run in runs if _valid(run, name, unit)))
            if latency := arm.latency():
                found.setdefault(unit, {})[name] = {"p50": latency["p50"], "p99": latency["p99"]}
    return found


def compare(
    runs: Sequence[Run], names: Sequence[str], ablations: Sequence[Rung], *, withhold: bool = False
) -> dict[str, Ratio]:
    """Return each rung over the one below, the top over the bottom, and the ablations over the top."""
    figures: dict[str, Ratio | None] = {}
    for unit, what in UNITS.items():
        for a, b in [(names[0], names[-1]), *itertools.pairwise(passed(names, unit))]:
            figures[f"cpu_{unit}_{b}_vs_{a}"] = pairing.ratio(
                runs, a, b, pairing.cpu_per_unit, f"CPU per {what}", unit=unit, withhold=withhold,
                target=TARGETS.get((a, unit)) if b == TOP else None,
            )  # fmt: skip
    for rung in ablations:
        whole = beside_of(rung)
        figures[f"cpu_order_{rung.name}_vs_{whole}"] = pairing.ratio(
            runs, whole, rung.name, pairing.cpu_per_unit, "CPU per confirmed order", unit="order", withhold=withhold
        )
    for percentile in ("p50", "p99"):
        for a, b in ((names[0], names[-1]), (names[1], names[-1])):
            figures[f"latency_{percentile}_{b}_vs_{a}"] = pairing.ratio(
                runs,
                a,
                b,
                pairing.latency(percentile, "order"),
                f"{percentile} of an order",
                unit="order",
                withhold=withhold,
            )
    return pairing.present(figures)


def gate(runs: Sequence[Run]) -> Gate | None:
    """Return the A/A gate: the monolith against itself, in CPU per confirmed order."""
    try:
        pairs = pairing.pairs_of(runs, "monolith", AGAIN.name, pairing.cpu_per_unit, "order")
        found = pairs.equivalence(GATE_TOLERANCE)
    except NotComparable:
        return None
    return {
        "passed": found.passed, "spread": found.spread, "tolerance": GATE_TOLERANCE, "pairs": found.pairs,
        "figure": "CPU per confirmed order, the monolith against itself",
    }  # fmt: skip


def answer(figures: dict[str, Ratio], steps: Sequence[Step]) -> list[str]:
    """Return the answer in two sentences."""
    whole = figures.get("cpu_order_microservices_vs_monolith")
    if whole is None or not steps:
        return ["Too few valid slices to say anything."]
    parts = [
        f"{number(one.added, 2)} ms ({number(one.low, 2)} to {number(one.high, 2)}) by {NAMES.get(one.b, one.b)}"
        for one in steps
    ]
    browse = figures.get("cpu_list_microservices_vs_monolith")
    list_ = f" A list of 20 takes {times(browse)}." if browse else ""
    return [
        f"A confirmed order takes the services {times(whole)} the CPU of the monolith; added are "
        f"{sentence_of_list(parts)}.",
        f"The dearest step is {NAMES.get(max(steps, key=lambda one: one.added).b, '')}.{list_}",
    ]


NAMES = {
    "colocated": "framework, split data and events",
    "direct": "the network between processes",
    "microservices": "Envoy between them",
}


def findings(figures: dict[str, Ratio], steps: Sequence[Step]) -> dict[str, tuple[str, str]]:
    """Return the verdict on C3: latency and cost, of the same services with and without a network between them."""
    cost = figures.get("cpu_order_direct_vs_colocated")
    proxied = figures.get("cpu_order_microservices_vs_direct")
    wait = figures.get("latency_p50_microservices_vs_colocated")
    if cost is None or wait is None or proxied is None:
        return {}
    told = [row.get("verdict") for row in (cost, wait)]
    verdict = "supported" if told == ["higher", "higher"] else "refuted" if told == ["lower", "lower"] else "not shown"
    by_name = {one.b: one.added for one in steps}
    evidence = (
        f"The same services, spread over processes, take {times(cost)} the CPU per order "
        f"({number(by_name.get('direct'), 2)} ms more), with Envoy between them {times(proxied)} of that "
        f"({number(by_name.get('microservices'), 2)} ms more), and their median wait is {times(wait)}, over "
        f"{cost.get('pairs')} rounds."
    )
    return {"C3": (verdict, evidence)}
