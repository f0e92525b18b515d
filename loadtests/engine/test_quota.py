"""A quota binds a process that runs, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from deploy.model.errors import Unsupported
from loadtests.engine import quota
from loadtests.engine.quota import Controller, controller

BUSY = "while True: pass"


@pytest.fixture
def here() -> Controller:
    try:
        return controller()
    except Unsupported as error:
        pytest.skip(f"no CPU quotas here: {error}")


@pytest.fixture
def busy() -> Iterator[psutil.Process]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def test_a_process_gets_its_share_and_no_more(here: Controller, busy: psutil.Process) -> None:
    group = here.limit("twinshop-test-quota", 0.2)
    try:
        (group / "cgroup.procs").write_text(str(busy.pid))
        before = sum(busy.cpu_times()[:2])
        time.sleep(1.5)
        used = sum(busy.cpu_times()[:2]) - before

        assert used < 0.2 * 1.5 * 1.5
        assert here.throttled(group) > 0
    finally:
        here.remove(group)
    assert not group.exists()
    assert busy.is_running()


def test_where_no_group_can_be_made_the_reason_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(quota, "_candidates", lambda own: iter([(1, tmp_path / "absent")]))

    with pytest.raises(Unsupported, match="control groups"):
        controller()


def test_version_2_takes_quota_and_period_in_one_file(tmp_path: Path) -> None:
    group = Controller(2, tmp_path).limit("one", 0.15)

    assert (group / "cpu.max").read_text() == "15000 100000"


def test_what_was_limited_is_free_again_whatever_happened_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    def quotas_for(_: object, share: float) -> object:
        return SimpleNamespace(
            apply=lambda parts: events.append(f"{'+'.join(parts)} {share}"), throttled=lambda: round(100 * share),
            lift=lambda: events.append(f"lift {share}"),
        )  # fmt: skip

    monkeypatch.setattr(quota, "quotas_for", quotas_for)
    runner: Any = None

    with contextlib.suppress(ValueError), quota.limited(runner, {("hot",): 0.3, ("a", "b"): 0.1}) as used:
        events.append(f"used up {used()} times")
        raise ValueError("in between")

    assert events == ["hot 0.3", "a+b 0.1", "used up 30 times", "lift 0.3", "lift 0.1"]
