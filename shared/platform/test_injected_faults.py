"""Mishaps: off unless enabled, refused outside local mode, gone with their file."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.platform import injected_faults


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """The file that is looked at; nothing is looked at afterwards."""
    path = tmp_path / "faults.json"
    injected_faults.enable(str(path), local_mode=True)
    yield path
    injected_faults.enable("", local_mode=True)


def test_production_refuses_faults(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="FAULTS_FILE"):
        injected_faults.enable(str(tmp_path / "any"), local_mode=False)


def test_a_hog_burns_cpu_in_its_own_module_until_its_file_is_gone(file: Path) -> None:
    file.write_text(json.dumps({"payments": {"hog_ms": 50}}))

    burnt = [_cpu_of("catalog"), _cpu_of("payments")]
    file.unlink()
    burnt.append(_cpu_of("payments"))

    assert burnt[1] >= 0.05
    assert max(burnt[0], burnt[2]) < 0.04


def test_a_share_of_the_requests_fails(file: Path) -> None:
    file.write_text(json.dumps({"catalog": {"fail_share": 1.0}}))

    injected_faults.inject("orders")
    with pytest.raises(injected_faults.InjectedFailure):
        injected_faults.inject("catalog")


def test_half_a_file_is_no_fault(file: Path) -> None:
    file.write_text('{"payments": {"hog')

    injected_faults.inject("payments")


@pytest.mark.parametrize("fault", [{"poison": "bad"}, {"leak_mb": 60, "memory_limit_mb": 100}], ids=["poison", "leak"])
def test_poison_and_a_leak_kill_the_process(tmp_path: Path, fault: dict[str, object]) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"catalog": fault}))
    code = (
        "import sys\nfrom shared.platform import injected_faults\n"
        "injected_faults.enable(sys.argv[1], local_mode=True)\n"
        "injected_faults.inject('orders', 'a bad search')\nprint('alive', flush=True)\n"
        "for _ in range(5): injected_faults.inject('catalog', 'a bad search')"
    )

    process = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)

    assert process.stdout == "alive\n", process.stderr
    assert process.returncode == -signal.SIGKILL


def _cpu_of(module: str) -> float:
    began = time.thread_time()
    injected_faults.inject(module)
    return time.thread_time() - began
