"""A result such as a small experiment leaves, for the tests of the report."""

from __future__ import annotations

import random
from typing import Any

import pytest

from loadtests.measure.latency import LatencyHistogram
from loadtests.measure.verdict import PROMISES
from loadtests.report.claims import table
from loadtests.report.result import SCHEMA_VERSION, Result, Run
from loadtests.report.summary import latency_of

PARTS = {
    "monolith": {"edge": 0.9, "web": 2.4, "db": 1.1},
    "microservices": {
        "edge": 1.9,
        "catalog": 1.7,
        "orders": 2.9,
        "payments": 1.4,
        "notifications": 0.8,
        "broker": 0.4,
        "catalog-db": 0.7,
        "orders-db": 0.9,
        "payments-db": 0.5,
        "notifications-db": 0.4,
    },
}


def make_run(build: str, number: int, chance: random.Random, **changes: Any) -> Run:
    """A run of 600 requests, 60 of them orders, with made-up figures that scatter a little."""
    slow = 1.0 if build == "monolith" else 1.7
    waits = {
        "order": [chance.lognormvariate(3.3, 0.3) * slow for _ in range(60)],
        "list": [chance.lognormvariate(1.1, 0.5) * slow for _ in range(540)],
    }
    histograms = {name: LatencyHistogram.of(values) for name, values in waits.items()}
    whole = LatencyHistogram.of([*waits["order"], *waits["list"]])
    cpu = {part: ms * 60 * chance.uniform(0.95, 1.05) for part, ms in PARTS[build].items()}
    run: Run = {
        "build": build,
        "number": number,
        "pair": (number + 1) // 2,
        "unit": "mix",
        "units": 600,
        "rate_target": 60.0,
        "rate_achieved": 59.4,
        "orders_confirmed": 60,
        "latency_ms": latency_of(whole),
        "latency_ms_by_journey": {name: latency_of(histogram) for name, histogram in histograms.items()},
        "error_share": 0.0,
        "cpu_ms_per_order": sum(cpu.values()) / 60,
        "cpu_ms_per_unit": sum(cpu.values()) / 600,
        "cpu_ms_by_part": cpu,
        "memory_mb_by_part": {part: 40.0 + len(part) for part in cpu},
        "reconciled": True,
        "violations": [],
        "void": False,
        "void_reasons": [],
        "duration_s": 10.0,
        "raw": f"run-{number:02d}-{build}",
        "histograms": {name: histogram.encode() for name, histogram in histograms.items()},
        "counted": {"orders": {"db_statements": 1800, "db_commits": 240}},
        "reconciliation": {"waited_s": 0.5, "looked_at": dict.fromkeys(PROMISES.keys() - {"L8"}, 60)},
    }
    run.update(changes)  # type: ignore[typeddict-item]
    return run


@pytest.fixture
def result() -> Result:
    """Three pairs without a violation."""
    return make_result()


def make_result() -> Result:
    """Return three pairs without a violation."""
    chance = random.Random(8001)
    builds = ["monolith", "microservices", "microservices", "monolith", "monolith", "microservices"]
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": "demo",
        "plan": {
            "title": "A first comparison",
            "question": "What does the same shop cost as a monolith and as services?",
            "hypothesis": "Services cost more.",
            "load": "Open arrivals, shopping mix.",
            "held_equal": "Cores, data, load.",
            "how_to_read": "CPU first.",
        },
        "answer": ["An order costs the services twice the CPU.", "No winner is named in latency."],
        "started_at": "2026-01-02T03:04:05+00:00",
        "duration_s": 140.5,
        "environment": {
            "cpu": "A processor",
            "cores": 2,
            "memory_mb": 8000.0,
            "os": "Linux 6.1",
            "python": "3.11.9",
            "versions": {"flask": "3.1"},
            "commit": "abc1234",
            "seed": 7,
            "budgets": {"enforced": True, "build_cores": [0], "other_cores": [1]},
        },
        "runs": [make_run(build, number, chance) for number, build in enumerate(builds, 1)],
        "comparison": {
            "cpu_order_services_vs_monolith": {
                "ratio": 2.4,
                "low": 2.2,
                "high": 2.6,
                "a": "monolith",
                "b": "microservices",
                "what": "CPU per confirmed order",
                "pairs": 3,
                "verdict": "too few pairs",
            },
            "latency_p50_services_vs_monolith": {"ratio": 1.2, "low": 0.8, "high": 1.9},
        },
        "aa_gate": None,
        "claims": table({"C3": ("not shown", "CPU 2.4 times.")}),
        "violations": [],
        "notes": ["Quick."],
        "next_command": "make experiment NAME=steady",
    }
