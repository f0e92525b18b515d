"""CPU and memory of a part: the sum over its live processes, and over those of its children that have ended."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Usage:
    """What a process tree used. `cpu_s` only grows while the leader lives."""

    cpu_s: float
    memory_bytes: int
    memory_kind: str  # "pss"; "rss" where the system has no PSS, which counts shared pages more than once
    processes: int

    def __add__(self, other: Usage) -> Usage:
        """Add two trees up; one RSS makes the sum an RSS."""
        kind = "pss" if self.memory_kind == other.memory_kind == "pss" else "rss"
        return Usage(
            self.cpu_s + other.cpu_s,
            self.memory_bytes + other.memory_bytes,
            kind,
            self.processes + other.processes,
        )


NOTHING = Usage(0.0, 0, "pss", 0)


def usage_of(processes: Iterable[psutil.Process], *, memory: bool) -> Usage:
    """Return what the processes of a tree use. Reading PSS costs about 1 ms a process: leave it out if unused.

    The times of waited-for children are added on Linux: a PostgreSQL backend that has ended would
    otherwise take its CPU seconds with it. Live children are no part of them, so nothing counts twice.
    """
    total = NOTHING
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            times = process.cpu_times()
            cpu_s = _exactly(process.pid, times.user + times.system) + times.children_user + times.children_system
            size, kind = _memory(process) if memory else (0, "pss")
            total += Usage(cpu_s, size, kind, 1)
    return total


def _exactly(pid: int, roughly_s: float) -> float:
    """Return what a process used to the nanosecond, by its CPU clock; `roughly_s` where the system has none.

    Times in /proc are cut to ticks of 10 ms. A part of twenty processes loses 100 ms on the average, and not the same
    at both ends of a slice: that alone was half of what a build differed from itself by.
    """
    if sys.platform != "linux":
        return roughly_s
    try:
        # The clock of all threads of a process, ended ones too: CPUCLOCK_SCHED, see clock_getcpuclockid(3).
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return roughly_s


def _memory(process: psutil.Process) -> tuple[int, str]:
    if sys.platform == "linux":
        # smaps_rollup is summed up by the kernel; psutil's own PSS reads every mapping.
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024, "pss"
    return process.memory_info().rss, "rss"
