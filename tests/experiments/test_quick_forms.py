"""The quick form of each experiment runs through, keeps every promise, and says what it is about."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY
from loadtests.report.result import INDEX, Result, all_violations, read
from tests.ports import COMMANDS_SHIFT

TIMEOUT_S = 400  # 90 s on two idle cores
# What each leaves in its details, and the claim that it is about.
EXPERIMENTS = {
    "steady": ("gates", "C3"),
    "cores": ("", None),
    "capacity": ("knees", None),
    "three-rulers": ("", None),
    "overhead-ladder": ("ladder", "C3"),
    "scaling": ("scaling", "C2"),
    "complexity": ("counted", "C5"),
    "growth": ("growth", None),
    "spike": ("spikes", None),
    "framework": ("", None),
    "independent-generator": ("", None),
    "soak": ("tables", None),
    "consistency": ("agreement", "C6"),
    "crossover": ("crossover", None),
    "inference": ("inference", None),
    "tracing": ("tracing", "C8"),
    "instrument": ("", None),
    "migration": ("migration", "C12"),
    "blast-radius": ("impacts", "C1"),
    "resilience": ("goodput", "C9"),
    "deploy": ("rollouts", "C4"),
    "chaos": ("chaos", None),
    "messaging": ("messaging", "C7"),
    "canary": ("canary", "C11"),
    "another-language": ("languages", "C10"),
}
NEEDS = {"independent-generator": "k6", "another-language": "npm"}  # a program that is none of ours
MAY_BE_VOID = ("overhead-ladder", "steady")  # two or three rounds may all be void on a busy machine


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="twinshop-experiment-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user where we are root
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.long
@pytest.mark.timeout(TIMEOUT_S + 60)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_quick_form_runs_through_and_keeps_every_promise(name: str, home: Path) -> None:
    detail, claim = EXPERIMENTS[name]

    program = NEEDS.get(name)
    if program and not shutil.which(program, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"):
        pytest.skip(f"NO {program}, SO {name} WAS NOT RUN")
    result, folder = conduct(name, home, "--quick")

    assert not all_violations(result)
    assert result["details"][detail] if detail else result["runs"]
    assert (folder / INDEX).stat().st_size > 1_000_000  # the plots' library is in it
    if claim and name not in MAY_BE_VOID:
        assert next(row for row in result["claims"] if row["id"] == claim)["verdict"] != "not measured"


@pytest.mark.long
@pytest.mark.timeout(TIMEOUT_S + 60)
def test_a_distance_is_had_on_each_way_and_books_stay_right(home: Path) -> None:
    result, folder = conduct("latency-curve", home, "--quick")

    now = {(row["factor"], row["arm"], row["value"]): row["now_ms"] for row in result["details"]["factors"]}
    for factor, arms in {"hop_ms": ["microservices"], "db_ms": ["colocated", "microservices", "monolith"]}.items():
        assert sorted({arm for name, arm, _ in now if name == factor}) == arms
        assert all(10 <= now[factor, arm, 5.0] - now[factor, arm, 0.0] < 30 for arm in arms)  # 5 ms there and back
    assert not all_violations(result)
    assert "Latency against load" in (folder / INDEX).read_text("utf-8")


@pytest.mark.long
@pytest.mark.timeout(2 * TIMEOUT_S)
def test_a_planted_slow_down_of_a_tenth_is_found(home: Path) -> None:
    result, _ = conduct("steady", home, "--set", "figures=aa", "--set", "planted=0.1")

    interval = result["comparison"]["cpu_order_twin_vs_monolith"]
    assert 1 < interval["low"] < interval["ratio"] < 1.2
    assert result["aa_gate"] is not None
    assert not result["aa_gate"]["passed"]


def conduct(name: str, home: Path, *words: str) -> tuple[Result, Path]:
    """Run an experiment as a reader would; return its result and the report's folder."""
    settings = {"TWINSHOP_HOME": str(home), "TWINSHOP_PORT_SHIFT": str(COMMANDS_SHIFT), "COLUMNS": "400"}
    process = subprocess.run(
        [sys.executable, "-m", "twinshop.cli", "experiment", name, *words],
        cwd=REPOSITORY, env=os.environ | settings, capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-3000:]
    match = re.search(r"Report: (\S+)", process.stdout)
    assert match, process.stdout[-1000:]
    folder = Path(match.group(1)).parent
    return read(folder), folder
