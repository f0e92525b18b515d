"""results.csv: one row for each run, journey and figure, so that a result can be analysed without this code."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from loadtests.report.result import Result, Run

RESULTS = "results.csv"
COLUMNS = {
    "experiment": "its name",
    "commit": "of the code that measured",
    "seed": "what decides order and requests of the whole experiment",
    "session": "which start of the arms, from 1",
    "pair": "which round within the session; runs of one pair were measured one after the other",
    "run": "number of the run, in order of time",
    "build": "the arm: monolith, microservices, monolith-twin (the same, started apart), ...",
    "unit": "what the run did: mix, or order, list or product alone",
    "mix": "which traffic mix was sent; empty where it was not recorded",
    "rate_target": "arrivals/s that were asked for; empty: as fast as it goes",
    "factors": "what else was set, as JSON",
    "void": "1: the generator could not keep up, or a part was restarted; leave it out",
    "books": "1: all promises were kept; 0: some were broken; empty: not checked after this run",
    "journey": "what customers did; empty for figures of the whole run",
    "figure": "see FIGURES",
    "value": "a number, in the unit that the figure's name ends with",
}
FIGURES = {
    "requests": "answered requests, without the warm-up",
    "latency_p50_ms": "from the intended start; p95, p99 and max alike",
    "cpu_per_unit_ms": "CPU of all parts of the build for each unit that was done",
    "cpu_per_order_ms": "CPU of all parts of the build for each confirmed order",
    "orders_confirmed": "correct, finished orders",
    "rate_achieved_per_s": "requests, or units, per second",
    "error_share": "answers that failed, of all; from 0 to 1",
    "memory_mb": "of all parts of the build, proportional set size",
}


def write(result: Result, folder: Path) -> Path:
    """Write `folder`/results.csv and return its path."""
    path = folder / RESULTS
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for run in result["runs"]:
            described = _described(result, run)
            writer.writerows([*described, *figure] for figure in figures_of(run))
    return path


def _described(result: Result, run: Run) -> list[object]:
    books = run["reconciled"]
    return [
        result["experiment"], result["environment"]["commit"], result["environment"]["seed"],
        run.get("session", 1), run["pair"], run["number"], run["build"], run["unit"],
        run.get("load", {}).get("mix", ""), run["rate_target"],
        json.dumps(run.get("factors", {}), sort_keys=True), int(run["void"]), "" if books is None else int(books),
    ]  # fmt: skip


def figures_of(run: Run) -> Iterator[tuple[str, str, float]]:
    """Yield journey (empty: the whole run), figure and value; what was not measured has no row."""
    memory = run["memory_mb_by_part"]
    whole = {
        "cpu_per_unit_ms": run["cpu_ms_per_unit"],
        "cpu_per_order_ms": run["cpu_ms_per_order"],
        "orders_confirmed": run["orders_confirmed"],
        "rate_achieved_per_s": run["rate_achieved"],
        "error_share": run["error_share"],
        "memory_mb": sum(memory.values()) if memory else None,
    }
    yield from (("", name, value) for name, value in whole.items() if value is not None)
    for journey, count in run.get("requests_by_journey", {}).items():
        yield journey, "requests", count
    for journey, waits in run["latency_ms_by_journey"].items():
        yield from ((journey, f"latency_{name}_ms", float(value)) for name, value in waits.items())  # type: ignore[arg-type]
