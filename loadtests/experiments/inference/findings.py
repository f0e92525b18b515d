"""From the runs of the inference experiment to the answer, ratios and the plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.engine.study import Study
from loadtests.report.plot import Figure, axes, bars, figure, view
from loadtests.report.result import Ratio, Result, Run, detail
from loadtests.report.words import build_name, number, plural, sentence_of_list

EQUAL = "monolith-equal"  # with as much quota as all services in sum
ROUTED = "monolith-routed"  # the same in two processes, of which one is kept for orders
ARMS = ("monolith", EQUAL, ROUTED, "microservices")
AIM = 1.2  # for the p99 of orders in the services, hot over calm
Outcomes = Mapping[str, Mapping[str, Mapping[str, float]]]  # arm -> "hot x1" -> figures


def result(study: Study, versions: Mapping[str, str], **sizes: float) -> Result:
    """Return the result. `sizes`: products, rank of the model, share of a core, and how many times as many products."""
    outcomes = figures(study.runs)
    return study.result(
        answer=answer(outcomes, sizes["grown"]),
        comparison=compare(outcomes),
        findings={},
        details={"inference": outcomes, "models": dict(versions), **sizes},
    )


def figures(runs: Sequence[Run]) -> dict[str, dict[str, dict[str, float]]]:
    """Return by arm and phase: p50 and p99 of orders (ms), answers a second, memory of all parts (MB)."""
    outcomes: dict[str, dict[str, dict[str, float]]] = {arm: {} for arm in ARMS}
    for run in runs:
        factors, latency = run["factors"], run["latency_ms"]
        if latency is None or run["void"]:
            continue
        outcomes[run["build"]][f"{factors['phase']} x{factors['replicas']}"] = {
            "order_p50_ms": latency["p50"],
            "order_p99_ms": latency["p99"],
            "answers_s": 0.0 if factors["phase"] == "calm" else run["rate_achieved"],
            "memory_mb": sum(run["memory_mb_by_part"].values()),
        }
    return outcomes


def slowed(outcomes: Outcomes, arm: str, phase: str = "hot x1") -> float | None:
    """Return the p99 of orders in this phase over calm."""
    calm, other = outcomes[arm].get("calm x1"), outcomes[arm].get(phase)
    return other["order_p99_ms"] / calm["order_p99_ms"] if calm and other and calm["order_p99_ms"] else None


def answer(outcomes: Outcomes, times_grown: float) -> list[str]:
    """Return the answer in two or three sentences."""
    times = {arm: ratio for arm in ARMS if (ratio := slowed(outcomes, arm)) is not None}
    if set(times) != set(ARMS):
        return ["Too few valid runs to say anything."]
    lines = [
        f"While the model was busy the p99 of orders was {number(times['monolith'], 2)} times that of a calm shop in "
        f"the monolith, {number(times[EQUAL], 2)} times in one with as much quota as all services, "
        f"{number(times[ROUTED], 2)} times in one that is cut in two, of which one is kept for orders, and "
        f"{number(times['microservices'], 2)} times in the services. At most {AIM} is aimed at there; one pass "
        "shows neither that nor the contrary.",
    ]
    replicas = max(int(phase.removeprefix("hot x")) for phase in outcomes["monolith"] if phase.startswith("hot"))
    one, other, fair = (outcomes[arm].get(f"hot x{replicas}") for arm in ("monolith", "microservices", EQUAL))
    if one and other:
        equal = f", {number(fair['answers_s'])}/s by the monolith with as much quota in sum" if fair else ""
        lines.append(
            f"{plural(replicas, 'replica')} gave {number(one['answers_s'])} recommendations a second as whole "
            f"monoliths and {number(other['answers_s'])} of inference alone{equal}, in {number(one['memory_mb'])} MB "
            f"against {number(other['memory_mb'])} MB of all parts."
        )
    if grown := {
        arm: outcomes[arm]["grown x1"] for arm in ("monolith", "microservices") if "grown x1" in outcomes[arm]
    }:
        slower = [f"{number(figures['answers_s'])}/s ({build_name(arm)})" for arm, figures in grown.items()]
        lines.append(f"Of {times_grown:g} times as many products one replica gave {sentence_of_list(slower)}.")
    return lines


def compare(outcomes: Outcomes) -> dict[str, Ratio]:
    """Return p99 of orders by phase over calm, in each arm. A single pass: no verdict."""
    return {
        f"order_p99_{arm}_{phase.replace(' ', '_')}_vs_calm": {
            "ratio": ratio, "low": ratio, "high": ratio, "a": arm, "b": arm, "pairs": 1, "verdict": "withheld",
            "what": f"p99 of orders, {phase} over calm",
        }
        for arm in ARMS
        for phase in outcomes[arm]
        if phase != "calm x1" and (ratio := slowed(outcomes, arm, phase))
    }  # fmt: skip


def by_phase(result: Result) -> Figure | None:
    """The p99 of orders, answers and memory, by phase and replicas."""
    outcomes: dict[str, dict[str, dict[str, Any]]] | None = detail(result, "inference")
    if not outcomes:
        return None
    views = [
        view(
            name,
            [bars(build_name(arm), list(phases), [phases[phase][key] for phase in phases], arm,
                  text=[number(phases[phase][key]) for phase in phases]) for arm, phases in outcomes.items()],
            axes("what the model does, and its replicas", unit, log_y=key == "order_p99_ms"),
        )
        for key, name, unit in (
            ("order_p99_ms", "p99 of orders", "milliseconds"),
            ("answers_s", "answers", "right answers of the hot load a second"),
            ("memory_mb", "memory", "MB of all parts"),
        )
    ]  # fmt: skip
    reading = "Calm: orders alone. Hot: beside clients that ask the model as fast as it answers."
    return figure("inference", "Orders beside a model", reading, views, 420)


PLOTS = (by_phase,)
