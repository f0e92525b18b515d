"""From the runs of the inference experiment to the answer, ratios and the plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.engine.study import Study
from loadtests.report.plot import Figure, axes, bars, figure, view
from loadtests.report.result import Ratio, Result, Run, detail
from loadtests.report.words import build_name, number

EQUAL = "monolith-equal"  # with as much quota as all services in sum
ARMS = ("monolith", EQUAL, "microservices")
AIM = 1.2  # for the p99 of orders in the services, hot over calm
Found = Mapping[str, Mapping[str, Mapping[str, float]]]  # arm -> "hot x1" -> figures


def result(study: Study, versions: Mapping[str, str], *, products: int, rank: int, share: float) -> Result:
    """Return the result."""
    found = figures(study.runs)
    return study.result(
        answer=answer(found),
        comparison=compare(found),
        findings={},
        details={"inference": found, "models": dict(versions), "products": products, "rank": rank, "share": share},
    )


def figures(runs: Sequence[Run]) -> dict[str, dict[str, dict[str, float]]]:
    """Return by arm and phase: p50 and p99 of orders (ms), answers a second, memory of all parts (MB)."""
    found: dict[str, dict[str, dict[str, float]]] = {arm: {} for arm in ARMS}
    for run in runs:
        factors, latency = run["factors"], run["latency_ms"]
        if latency is None or run["void"]:
            continue
        found[run["build"]][f"{factors['phase']} x{factors['replicas']}"] = {
            "order_p50_ms": latency["p50"],
            "order_p99_ms": latency["p99"],
            "answers_s": 0.0 if factors["phase"] == "calm" else run["rate_achieved"],
            "memory_mb": sum(run["memory_mb_by_part"].values()),
        }
    return found


def slowed(found: Found, arm: str, phase: str = "hot x1") -> float | None:
    """Return the p99 of orders in this phase over calm."""
    calm, other = found[arm].get("calm x1"), found[arm].get(phase)
    return other["order_p99_ms"] / calm["order_p99_ms"] if calm and other and calm["order_p99_ms"] else None


def answer(found: Found) -> list[str]:
    """Return the answer in two or three sentences."""
    times = {arm: ratio for arm in ARMS if (ratio := slowed(found, arm)) is not None}
    if set(times) != set(ARMS):
        return ["Too few valid runs to say anything."]
    lines = [
        f"While the model was busy the p99 of orders was {number(times['monolith'], 2)} times that of a calm shop in "
        f"the monolith, {number(times[EQUAL], 2)} times in one with as much quota as all services, and "
        f"{number(times['microservices'], 2)} times in the services. At most {AIM} is aimed at there; one pass "
        "shows neither that nor the contrary.",
    ]
    most = max(found["monolith"], key=lambda phase: int(phase.rpartition("x")[2]))
    one, other, fair = (found[arm].get(most) for arm in ("monolith", "microservices", EQUAL))
    if one and other:
        equal = f", {number(fair['answers_s'])}/s by the monolith with as much quota in sum" if fair else ""
        lines.append(
            f"{most.rpartition('x')[2]} replicas gave {number(one['answers_s'])} recommendations a second as whole "
            f"monoliths and {number(other['answers_s'])} of inference alone{equal}, in {number(one['memory_mb'])} MB "
            f"against {number(other['memory_mb'])} MB of all parts."
        )
    return lines


def compare(found: Found) -> dict[str, Ratio]:
    """Return p99 of orders by phase over calm, in each arm. A single pass: no verdict."""
    return {
        f"order_p99_{arm}_{phase.replace(' ', '_')}_vs_calm": {
            "ratio": ratio, "low": ratio, "high": ratio, "a": arm, "b": arm, "pairs": 1, "verdict": "withheld",
            "what": f"p99 of orders, {phase} over calm",
        }
        for arm in ARMS
        for phase in found[arm]
        if phase != "calm x1" and (ratio := slowed(found, arm, phase))
    }  # fmt: skip


def by_phase(result: Result) -> Figure | None:
    """The p99 of orders, answers and memory, by phase and replicas."""
    found: dict[str, dict[str, dict[str, Any]]] | None = detail(result, "inference")
    if not found:
        return None
    views = [
        view(
            name,
            [bars(build_name(arm), list(phases), [phases[phase][key] for phase in phases], arm,
                  text=[number(phases[phase][key]) for phase in phases]) for arm, phases in found.items()],
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
