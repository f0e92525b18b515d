"""`twinshop compare` as a person types it: two settings, two commits, two addresses, in the short form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY, Home
from loadtests.engine import commits
from loadtests.report.result import Result, all_violations, read
from tests.experiments.test_quick_forms import TIMEOUT_S, home
from tests.ports import COMMANDS_SHIFT

__all__ = ["home"]  # a fixture
pytestmark = [pytest.mark.long, pytest.mark.timeout(TIMEOUT_S + 60)]


def twinshop(home: Path, *words: str) -> str:
    """Run the program, with a state folder and ports of its own; return what it printed."""
    settings = {"TWINSHOP_HOME": str(home), "TWINSHOP_PORT_SHIFT": str(COMMANDS_SHIFT), "COLUMNS": "400"}
    ended = subprocess.run(
        [sys.executable, "-m", "twinshop.cli", *words],
        cwd=REPOSITORY, env=os.environ | settings, capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


def compared(home: Path, *words: str) -> Result:
    """Compare, and return the result."""
    report = twinshop(home, "compare", *words, "--quick").rpartition("Report: ")[2]
    result = read(Path(report.strip()).parent)
    assert not all_violations(result)
    return result


def test_two_settings(home: Path) -> None:
    one, other = "monolith:web.WEB_THREADS=8", "monolith:web.WEB_THREADS=64"

    result = compared(home, one, other)

    assert result["plan"]["title"] == f"{other} beside {one}"
    assert {run["build"] for run in result["runs"]} == {one, f"{one}-twin", other, f"{other}-twin"}
    assert len({rate for name, rate in result["details"]["rates"].items() if "orders-only" in name}) == 1
    assert result["details"]["gates"].keys() == {f"cpu_order_{one}", f"cpu_order_{other}"}


def test_two_commits(home: Path) -> None:
    try:
        commits.resolved("HEAD~1")
    except DeployError as error:
        pytest.skip(f"without a history there is no other commit: {error}")

    result = compared(home, "@HEAD~1", "monolith")

    assert {run["build"] for run in result["runs"] if run["reconciled"]} >= {"@HEAD~1", "monolith"}
    assert [note for note in result["notes"] if note.startswith("@HEAD~1: the packages of commit")]
    assert not list((home / "commits").iterdir())


def test_two_addresses(home: Path) -> None:
    twinshop(home, "up", "both", "--products", "200")
    site = LocalRunner("outside", Home(home)).site
    addresses = [site.url(build, "edge") for build in ("monolith", "microservices")]
    try:
        result = compared(home, *addresses, "--tokens-from", site.url("outside", "identity"), "--sessions", "3")
    finally:
        twinshop(home, "down")

    assert result["details"]["elsewhere"] == addresses
    assert {run["rate_target"] for run in result["runs"]} == {20.0}
    assert {run["cpu_ms_per_order"] for run in result["runs"]} == {None}
    assert all(run["reconciliation"]["looked_at"]["S7"] for run in result["runs"])
    assert result["comparison"]["goodput_b_vs_a"]["sessions"] == 3
    assert "Not seen: CPU and memory" in result["answer"][1]
    assert "tokens_from" not in result["options"]
