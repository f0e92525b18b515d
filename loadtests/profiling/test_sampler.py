"""py-spy beside processes: what it sees, and what is said where it may not look."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.model.errors import DeployError
from loadtests.profiling import sampler

BUSY = "def spin():\n    while True:\n        pass\nspin()\n"


def runner_of(pid: int) -> Any:
    """A stack of one part in Python, as far as a sampler looks at it."""
    return SimpleNamespace(
        status=lambda: SimpleNamespace(instances=[SimpleNamespace(part="web", pid=pid)]),
        stack=SimpleNamespace(part=lambda _: SimpleNamespace(command=("python", "-m", "monolith.app"))),
    )


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[int]:
    """A process that does nothing but spin."""
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    process = subprocess.Popen([sys.executable, str(script)])
    yield process.pid
    process.kill()
    process.wait()


def test_a_busy_function_is_seen(busy: int, tmp_path: Path) -> None:
    stacks = sampler.sample(runner_of(busy), tmp_path / "out", 1)

    (stack,) = stacks["web"]
    assert stack[-1] == "spin (busy.py:1)"
    assert stacks["web"].total() > sampler.RATE_HZ / 4


def test_where_it_may_not_look_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = tmp_path / "py-spy"
    refusing.write_text("#!/bin/sh\necho 'Permission Denied: Try running again with elevated permissions'\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(sampler, "PY_SPY", refusing)

    with pytest.raises(DeployError, match="ptrace_scope=0"):
        sampler.sample(runner_of(1), tmp_path / "out", 1)
