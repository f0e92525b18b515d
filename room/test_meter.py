"""The room's meter follows a tree of processes."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

from room.meter import Meter


def test_meter_tells_cores_and_memory_of_a_tree_between_two_looks() -> None:
    child = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while True: pass'])"
    meter = Meter()
    with subprocess.Popen([sys.executable, "-c", child]) as process:
        try:
            while not (children := psutil.Process(process.pid).children()):
                time.sleep(0.01)
            first, _ = meter.read({process.pid: "payments"})
            began, before_s = time.monotonic(), sum(children[0].cpu_times()[:2])
            while (used_s := sum(children[0].cpu_times()[:2]) - before_s) < 0.3:  # as long as it takes
                time.sleep(0.01)
            cores, memory_mb = meter.read({process.pid: "payments"})
            lasted_s = time.monotonic() - began
        finally:
            for one in children:
                one.kill()

    assert first == {"payments": 0.0}
    assert 0.5 * used_s < cores["payments"] * lasted_s < 1.5 * used_s
    assert memory_mb["payments"] > 5
