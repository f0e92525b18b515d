"""The slowest requests whose traces were kept are drawn, each on a page of its own."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from deploy.model.parts import SAMPLING
from deploy.runner.tracing import FOLDER
from loadtests.engine.slow_traces import collect
from loadtests.load.generator.record import Row, write_rows


def arm_of(folder: Path, *, traced: bool) -> Any:
    """An arm whose spans are in a folder."""
    settings = {"web": {SAMPLING: "1"}} if traced else {}
    runner = SimpleNamespace(
        site=SimpleNamespace(data=str(folder)),
        stack=SimpleNamespace(name="monolith"),
        status=lambda: SimpleNamespace(environment=settings),
    )
    return SimpleNamespace(name="monolith", runner=runner)


def row(number: int, latency_ms: float, trace: str = "") -> Row:
    return Row(number, number, number, latency_ms, latency_ms, "order", "POST /orders", 201, "confirmed", "ok", trace)


def span(trace: str) -> str:
    kept = {
        "trace": trace, "span": "a1", "parent": "", "name": "POST /orders", "service": "monolith", "kind": "server",
        "start_ns": 0, "end_ns": 9_000_000, "failed": False, "attributes": {"twinshop.part": "orders"},
    }  # fmt: skip
    return json.dumps(kept) + "\n"


def test_the_slowest_that_were_kept_are_drawn(tmp_path: Path) -> None:
    slow, fast = "1" * 32, "2" * 32
    spans = tmp_path / "monolith" / FOLDER
    spans.mkdir(parents=True)
    (spans / "monolith.0.jsonl").write_text(span(slow) + span(fast))
    run = tmp_path / "run-01-monolith"
    run.mkdir()
    write_rows(run / "requests.csv.gz", [row(1, 5.0, fast), row(2, 900.0), row(3, 70.0, slow)])

    found = collect(arm_of(tmp_path, traced=True), run, 1)

    assert [(one["trace"], one["latency_ms"]) for one in found] == [(slow, 70.0), (fast, 5.0)]
    assert found[0]["verdict"].startswith("Most of the time, 9.0 of 9.0 ms")
    assert "Where the time went" in (tmp_path / found[0]["page"]).read_text("utf-8")


def test_nothing_is_looked_for_where_tracing_is_off(tmp_path: Path) -> None:
    assert collect(arm_of(tmp_path, traced=False), tmp_path, 1) == []
