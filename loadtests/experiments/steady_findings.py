"""What a verdict at a steady rate rests on: figures with their tolerances, the A/A gates, the answer, the claim."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.experiments import pairing
from loadtests.measure.planning import holm
from loadtests.measure.statistics import ALPHA, Equivalence, NotComparable
from loadtests.report.result import Gate, Ratio, Run
from loadtests.report.words import percent, sentence_of_list, times

BUILDS = ("monolith", "microservices")
AGAIN = "monolith-again"


@dataclass(frozen=True)
class Figure:
    """What is compared: how it is read from a run, and within what tolerance the monolith must equal itself."""

    what: str
    value: pairing.Value
    tolerance: float
    in_pulses: bool = False


FIGURES = {
    "cpu_order_services_vs_monolith": Figure("CPU per confirmed order", pairing.cpu_per_order, 0.05, in_pulses=True),
    "latency_p50_services_vs_monolith": Figure("latency p50, all requests", pairing.latency("p50"), 0.10),
    "latency_p95_services_vs_monolith": Figure("latency p95, all requests", pairing.latency("p95"), 0.15),
    "latency_p99_services_vs_monolith": Figure("latency p99, all requests", pairing.latency("p99"), 0.25),
    "latency_order_p50_services_vs_monolith": Figure(
        "latency p50, placing an order", pairing.latency("p50", "order"), 0.10
    ),
}
CPU = "cpu_order_services_vs_monolith"


def gate(runs: list[Run], figure: Figure) -> Equivalence | None:
    """Return whether the monolith equals itself in this figure; None where there is nothing to compare."""
    try:
        return pairing.pairs_of(runs, "monolith", AGAIN, figure.value).equivalence(figure.tolerance)
    except NotComparable:
        return None


def compare(
    pulsed: list[Run], fresh: list[Run], gates: dict[str, Equivalence | None], *, enforced: bool
) -> dict[str, Ratio]:
    """Return services over monolith; a verdict stands only where the figure's gate has passed, and after Holm."""
    found: dict[str, Ratio | None] = {}
    for name, passed in gates.items():
        figure = FIGURES[name]
        speed_without_budgets = not figure.in_pulses and not enforced
        withhold = passed is None or not passed.passed or speed_without_budgets
        runs = pulsed if figure.in_pulses else fresh
        found[name] = pairing.ratio(runs, *BUILDS, figure.value, figure.what, withhold=withhold)
    rows = pairing.present(found)
    corrected = holm({name: row.get("p_value", 1.0) for name, row in rows.items()})
    for name, row in rows.items():
        if corrected[name] > ALPHA and row.get("verdict") in ("higher", "lower"):
            row["verdict"] = "not shown"
    return rows


def answer(comparison: dict[str, Ratio], gates: dict[str, Equivalence | None]) -> list[str]:
    """Return the answer in two sentences."""
    cpu, middle = comparison.get(CPU), comparison.get("latency_p50_services_vs_monolith")
    if cpu is None and (alone := gates[CPU]):
        equal = "equals" if alone.passed else "is not shown to equal"
        return [f"The monolith {equal} itself within {percent(alone.tolerance)} in CPU per confirmed order: "
                f"{percent(alone.spread)} over {alone.pairs} pairs."]  # fmt: skip
    if cpu is None:
        return ["Too few valid pairs to say anything."]
    sentences = [f"A confirmed order takes the services {times(cpu)} the CPU of the monolith{_standing(cpu)}."]
    if middle is None:
        passed = gates[CPU]
        within = f"within {percent(passed.spread)}" if passed else "not at all"
        return [*sentences, f"The monolith equals itself {within}; latencies were not compared."]
    failed = [FIGURES[name].what for name, found in gates.items() if found is None or not found.passed]
    caveat = f"; no winner is named in {sentence_of_list(failed)}, for there the A/A gate failed" if failed else ""
    sentences.append(f"The median wait is {times(middle)} as long{_standing(middle)}{caveat}.")
    return sentences


def _standing(row: Ratio) -> str:
    standing = {"higher": ": shown", "lower": ": shown", "not shown": ": a difference is not shown"}
    return standing.get(row.get("verdict", ""), ": indicative")


def findings(comparison: dict[str, Ratio]) -> dict[str, tuple[str, str]]:
    """Return what this says about C3: cost and latency, of all differences between the builds."""
    cpu, middle = comparison.get(CPU), comparison.get("latency_p50_services_vs_monolith")
    if cpu is None or middle is None:
        return {}
    verdicts = {row.get("verdict") for row in (cpu, middle)}
    verdict = "supported" if verdicts == {"higher"} else "refuted" if verdicts == {"lower"} else "not shown"
    return {
        "C3": (
            verdict,
            f"CPU per order {times(cpu)}, median wait {times(middle)}, over {cpu.get('pairs')} pairs. That is of all "
            "differences between the builds: `make bench` takes the network apart from them.",
        )
    }


def gate_of_cpu(found: Equivalence | None) -> Gate:
    if found is None:
        return {"passed": False, "spread": 1.0, "figure": CPU}
    return {
        "passed": found.passed, "spread": found.spread, "tolerance": found.tolerance, "pairs": found.pairs,
        "figure": CPU,
    }  # fmt: skip


def told(name: str, found: Equivalence) -> str:
    state = "passed" if found.passed else "failed"
    return (
        f"A/A gate of {FIGURES[name].what}: {state}; the monolith against itself is within {percent(found.spread)}, "
        f"{percent(found.tolerance)} are tolerated."
    )
