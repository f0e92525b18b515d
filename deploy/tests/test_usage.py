"""CPU is read more finely than the ticks of /proc, and what ended children used is kept."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from deploy.local.usage import usage_of

BURN = "import time\nwhile time.process_time() < 0.2: pass\n"


def test_cpu_is_read_to_less_than_a_tick() -> None:
    if sys.platform != "linux":
        pytest.skip("NO CPU CLOCKS OF OTHER PROCESSES on this system: CPU is read in ticks")
    with subprocess.Popen([sys.executable, "-c", BURN + "input()"], stdin=subprocess.PIPE) as process:
        ours = psutil.Process(process.pid)
        while (first := usage_of([ours], memory=False).cpu_s) < 0.2:
            pass
        used_s = sum(ours.cpu_times()[:2])
        process.kill()

    assert first == pytest.approx(used_s, abs=0.03)
    assert round(first, 2) != first  # no whole number of ticks


def test_what_an_ended_child_used_stays_with_its_parent() -> None:
    if sys.platform != "linux":
        pytest.skip("NO TIMES OF ENDED CHILDREN on this system")
    parent = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\nprint('done', flush=True)\ninput()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used_s = usage_of([psutil.Process(process.pid)], memory=False).cpu_s
        process.kill()

    assert used_s > 0.19
