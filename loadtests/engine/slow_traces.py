"""The slowest requests of a run whose traces were kept, each with a page of its own that says where its time went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.runner import tracing
from loadtests.engine.arm import Arm
from loadtests.load.generator.record import read_rows
from loadtests.traces import page
from loadtests.traces.store import Store
from loadtests.traces.tree import assemble

SHOWN = 3  # of a run


def collect(arm: Arm, folder: Path, number: int) -> list[dict[str, Any]]:
    """Draw the slowest traced requests of a run into its folder; nothing if tracing is off, or kept none of them."""
    if tracing.sampling_of(arm.runner) is None:
        return []
    rows = [row for row in read_rows(folder / "requests.csv.gz") if row.trace and row.due_s >= 0]
    store = Store(tracing.folder_of(arm.runner))
    drawn = []
    for place, row in enumerate(sorted(rows, key=lambda row: -row.latency_ms)[:SHOWN], start=1):
        trace = assemble(f"{row.name}, trace {row.trace}", store.trace(row.trace))
        if trace is None:
            continue
        path = page.write(folder / f"trace-{place}.html", [(arm.name, trace)])
        drawn.append(
            {
                "run": number,
                "build": arm.name,
                "journey": row.journey,
                "latency_ms": round(row.latency_ms, 1),
                "trace": row.trace,
                "page": f"{folder.name}/{path.name}",
                "verdict": trace.verdict(),
            }
        )
    return drawn
