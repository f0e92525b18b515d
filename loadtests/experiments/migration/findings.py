"""What a migration under load comes to: a line for each move, the figures of each state, the claim C12."""

from __future__ import annotations

import statistics
from typing import Any

from loadtests.report.claims import NOT_SHOWN, SUPPORTED
from loadtests.report.headline import Headline, share_of
from loadtests.report.result import Result, Run, detail
from loadtests.report.words import count_of, number, sentence_of_list

STEP_WITHIN_S = 60.0


def tell(move: dict[str, Any]) -> str:
    """Return a move in one line."""
    return (
        f"{move['module']:<13} {move['direction']:<4} {move['took_s']:.1f} s, {move['records']:,} records, gates "
        f"closed {move['gates_closed_ms']:.0f} ms, {move['failed']} of {move['requests']} requests failed"
    )


def state(name: str, runs: list[Run]) -> dict[str, Any]:
    """Return the figures of a state: the middle of its runs, and each of them."""
    cost = [run["cpu_ms_per_order"] for run in runs if run["cpu_ms_per_order"]]
    latency = [run["latency_ms"] for run in runs if run["latency_ms"]]
    return {
        "name": name,
        "cpu_ms_per_order": statistics.mean(cost) if cost else None,
        "each_cpu_ms_per_order": cost,
        "p50_ms": statistics.mean(one["p50"] for one in latency) if latency else None,
        "p99_ms": statistics.mean(one["p99"] for one in latency) if latency else None,
        "memory_mb": statistics.mean(sum(run["memory_mb_by_part"].values()) for run in runs) if runs else None,
        "parts": len(runs[0]["cpu_ms_by_part"]) if runs else 0,
    }


def best_stop(states: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the cheapest state with a module out."""
    return min(states[1:], key=lambda state: state["cpu_ms_per_order"] or float("inf"))


def answer(moves: list[dict[str, Any]], states: list[dict[str, Any]], runs: list[Run]) -> list[str]:
    """Return the two sentences on top of the report."""
    failed, requests = sum(move["failed"] for move in moves), sum(move["requests"] for move in moves)
    violations = sum(len(run["violations"]) for run in runs)
    longest, waited = max(move["took_s"] for move in moves), max(move["gates_closed_ms"] for move in moves)
    best, base = best_stop(states), states[0]["cpu_ms_per_order"] or float("nan")
    ratios = ", ".join(f"{number((state['cpu_ms_per_order'] or 0) / base, 3)}" for state in states[1:])
    return [
        f"{count_of(failed, requests)} requests failed in {len(moves)} moves out and back, and {violations} promises "
        f"were broken; the longest move took {longest:.0f} s, and requests waited {waited:.0f} ms at most.",
        f"CPU per order with {sentence_of_list([str(count) for count in range(1, len(states))])} modules out, over "
        f"none: {ratios} times; the cheapest stop on the way is "
        f"{best['name'].removeprefix('monolith-').replace('-', ' ')}.",
    ]


def headline(result: Result) -> Headline | None:
    """Requests that failed while modules moved."""
    moves: list[dict[str, Any]] = (detail(result, "migration") or {}).get("moves", [])
    failed, requests = sum(move["failed"] for move in moves), sum(move["requests"] for move in moves)
    if not requests:
        return None
    value = share_of("monolith", failed, requests, f"{len(moves)} moves under load")
    basis = f"{requests:,} requests. With 0 failed, the interval's end is what may have been missed."
    return Headline("requests that failed while modules moved out and back", "%", (value,), basis)


def verdict(moves: list[dict[str, Any]], states: list[dict[str, Any]], runs: list[Run]) -> tuple[str, str]:
    """Return the verdict about C12 and its evidence."""
    clean = not any(move["failed"] for move in moves) and not any(run["violations"] for run in runs)
    in_time = all(move["took_s"] < STEP_WITHIN_S and move["under_load"] for move in moves)
    return (SUPPORTED if clean and in_time else NOT_SHOWN), " ".join(answer(moves, states, runs))
