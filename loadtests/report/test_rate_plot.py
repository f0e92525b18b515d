"""Latency against load: which curves are drawn from runs at several rates and points of a grid."""

from __future__ import annotations

import random
from typing import Any

from loadtests.measure.latency import LatencyHistogram
from loadtests.report.conftest import make_run
from loadtests.report.rate_plot import factor_values, latency_by_rate


def run(build: str, rate: float, hop_ms: float, requests: int, ms: float, mix: str = "ordering") -> Any:
    one = make_run("monolith", 1, random.Random(1), rate_target=rate, unit="mix") | {"build": build}
    histogram = LatencyHistogram.of([ms] * requests).encode()
    return one | {"histograms": {"order": histogram}, "factors": {"hop_ms": hop_ms}, "load": {"mix": mix}}


def result_of(*runs: Any, **details: Any) -> Any:
    return {"runs": list(runs), "details": details}


def test_runs_of_a_rate_are_one_point_and_a_percentile_of_too_few_requests_is_none() -> None:
    figures = latency_by_rate(
        result_of(
            run("monolith", 10, 0, 300, 2.0), run("monolith", 10, 0, 300, 4.0), run("monolith", 20, 0, 300, 8.0),
            run("monolith", 10, 5, 300, 9.0), run("monolith-twin", 20, 0, 300, 70.0),
        )
    )  # fmt: skip

    assert figures is not None
    order, by_factor = figures["views"]
    p50, p99 = order["data"]
    assert (p50["x"], p99["x"]) == ([10, 20], [10])
    assert p50["customdata"] == [[600], [300]]
    assert by_factor["data"][0]["x"] == [0, 5]
    assert len(p50["error_y"]["array"]) == 2


def test_one_rate_and_one_point_draw_nothing() -> None:
    assert latency_by_rate(result_of(run("monolith", 10, 0, 300, 2.0), run("microservices", 10, 0, 300, 4.0))) is None


def test_mixes_are_views_and_what_was_found_to_hold_stands_upright() -> None:
    figures = latency_by_rate(
        result_of(
            *(
                run("monolith", rate, 0, 600, 2.0, mix) | {"factors": {}}
                for mix in ("rush", "browsing")
                for rate in (1, 2)
            ),
            knees={"rush": {"monolith": 2.0}},
        )
    )

    assert figures is not None
    assert [one["name"] for one in figures["views"]] == ["rush", "browsing"]
    assert figures["views"][0]["layout"]["shapes"][0]["x0"] == 2.0


def test_what_a_factor_came_to_is_a_row_for_each_arm_and_value() -> None:
    rows = [{"factor": "hop_ms", "value": 5.0, "arm": "microservices", "straight_ms": 0.5, "now_ms": 10.6}]

    values = factor_values(result_of(factors=rows))

    assert values is not None
    cells = values["views"][0]["data"][0]["cells"]["values"]
    assert cells == [["ms between services"], ["5"], ["Microservices"], ["0.500"], ["10.6"]]
