"""results.csv holds every figure once, with the columns that are documented, and can be analysed without our code."""

from __future__ import annotations

import csv
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY
from loadtests.engine import pairing
from loadtests.report import tidy
from loadtests.report.result import Result

SCRIPT = REPOSITORY / "docs" / "reanalysis" / "compare_builds.py"


def test_every_run_has_one_row_for_each_journey_and_figure(result: Result, tmp_path: Path) -> None:
    with tidy.write(result, tmp_path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    keys = [(row["run"], row["journey"], row["figure"]) for row in rows]
    assert list(rows[0]) == list(tidy.COLUMNS)
    assert len(keys) == len(set(keys))
    assert {row["run"] for row in rows} == {str(run["number"]) for run in result["runs"]}
    p99 = next(row for row in rows if (row["run"], row["journey"], row["figure"]) == ("2", "order", "latency_p99_ms"))
    assert float(p99["value"]) == result["runs"][1]["latency_ms_by_journey"]["order"]["p99"]


def test_every_figure_is_documented(result: Result) -> None:
    names = {re.sub("_(p95|p99|max)_", "_p50_", name) for run in result["runs"] for _, name, _ in tidy.figures_of(run)}

    assert names <= set(tidy.FIGURES)


def test_the_script_of_the_documentation_finds_the_ratios_that_we_find(result: Result, tmp_path: Path) -> None:
    pytest.importorskip("pandas")  # the project does not need it
    for run in result["runs"]:
        run["session"] = run["pair"]
    ours = pairing.ratio(result["runs"], "monolith", "microservices", pairing.cpu_per_order, "CPU")

    process = subprocess.run(
        [sys.executable, str(SCRIPT), str(tidy.write(result, tmp_path))], capture_output=True, text=True, check=True
    )

    assert ours is not None
    line = next(line for line in process.stdout.splitlines() if "cpu_per_order_ms" in line)
    ratio, low, high = (float(number) for number in re.findall(r"\d+\.\d+", line))
    assert math.isclose(ratio, ours["ratio"], abs_tol=0.001)
    assert math.isclose(low, ours["low"], abs_tol=0.002)
    assert math.isclose(high, ours["high"], abs_tol=0.01)
