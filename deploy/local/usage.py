"""CPU and memory of processes."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from deploy.runner.interface import NOTHING, Usage


def usage_of(processes: Iterable[psutil.Process], *, memory: bool) -> Usage:
    """Return what the processes of a tree use. Reading PSS costs about 1 ms a process: leave it out if unused.

    The times of waited-for children are added on Linux: a PostgreSQL backend that has ended would
    otherwise take its CPU seconds with it. Live children are no part of them, so nothing counts twice.
    """
    total = NOTHING
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            times = process.cpu_times()
            cpu_s = cpu_s_of(process) + times.children_user + times.children_system
            size, kind = memory_of(process) if memory else (0, "pss")
            total += Usage(cpu_s, size, kind, 1)
    return total


def cpu_s_of(process: psutil.Process) -> float:
    """Return what a process used: to the nanosecond by its CPU clock, or in ticks where the system has none.

    Times in /proc are cut to ticks of 10 ms. A part of twenty processes loses 100 ms on the average, and not the same
    at both ends of a slice: that alone was half of what a build differed from itself by.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            # The clock of all threads of a process, ended ones too: CPUCLOCK_SCHED, see clock_getcpuclockid(3).
            return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def memory_of(process: psutil.Process) -> tuple[int, str]:
    """Return bytes, and what they are: PSS, or RSS where the system has no PSS. Raises psutil.Error, OSError."""
    pss = pss_of(process.pid).get("Pss")
    return (process.memory_info().rss, "rss") if pss is None else (pss, "pss")


def pss_of(pid: int) -> dict[str, int]:
    """Return bytes by kind of mapping (`Pss` is all, `Pss_Shmem` shared memory); none where there is no PSS.

    Raises OSError.
    """
    if sys.platform != "linux":
        return {}
    # smaps_rollup is summed up by the kernel; psutil's own PSS reads every mapping.
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return {kind: int(size.split()[0]) * 1024 for kind, _, size in (line.partition(":") for line in lines)
            if kind.startswith("Pss")}  # fmt: skip
