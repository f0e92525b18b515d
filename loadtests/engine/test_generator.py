"""A load that runs beside something else: it begins before the block does, and never outlives it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil
import pytest

from loadtests.engine.generator import GeneratorFailed, LoadSpec, beside

PRETENDED = """
import json, os, sys, time
folder, lasts_s, status = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
open(folder + "/pid", "w").write(str(os.getpid()))
print(json.dumps({"started_at": 0}), flush=True)
time.sleep(lasts_s)
open(folder + "/summary.json", "w").write('{"requests": 7}')
sys.exit(status)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the load writes; a module that pretends to be one can be found."""
    (tmp_path / "pretended_load.py").write_text(PRETENDED, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def order(folder: Path, lasts_s: float, status: int = 0) -> LoadSpec:
    """Ask for a load that sends nothing."""
    return LoadSpec("pretended_load", [str(folder), str(lasts_s), str(status)], folder, timeout_s=30)


def test_its_summary_is_there_when_it_has_ended(folder: Path) -> None:
    with beside(order(folder, 0.1)) as load:
        assert load.began_at > 0
        assert load.finish() == {"requests": 7}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_it_is_ended_with_a_block_that_fails(folder: Path, error: type[BaseException]) -> None:
    with contextlib.suppress(RuntimeError, KeyboardInterrupt), beside(order(folder, 60)):
        pid = int((folder / "pid").read_text())
        assert psutil.pid_exists(pid)
        raise error

    assert not psutil.pid_exists(pid)


def test_who_waits_beside_it_learns_whether_it_still_runs(folder: Path) -> None:
    with beside(order(folder, 60)) as load:
        assert load.wait_until(0.05)
        assert load.now_s >= 0.05

    with beside(order(folder, 0.1)) as load:
        assert not load.wait_until(3600)  # at once, and not in an hour


def test_one_that_fails_is_told(folder: Path) -> None:
    with pytest.raises(GeneratorFailed, match="status 1"), beside(order(folder, 0.1, status=1)) as load:
        load.finish()


def test_one_that_never_begins_is_told(folder: Path) -> None:
    with pytest.raises(GeneratorFailed, match="No module named"), beside(LoadSpec("no_such_load", [], folder, 30)):
        raise AssertionError("the block is not entered")
