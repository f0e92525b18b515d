"""CPU and memory of processes: of a part in all, exactly, and of many parts once a second, cheaply."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.local.process import trees
from deploy.runner.interface import NOTHING, Usage

TREES_EVERY_S = 5.0
MEMORY_EVERY_S = 10.0


def usage_of(processes: Iterable[psutil.Process], *, memory: bool) -> Usage:
    """Return what the processes of a tree use. Reading PSS costs about 1 ms a process: leave it out if unused.

    The times of waited-for children are added on Linux: a PostgreSQL backend that has ended would
    otherwise take its CPU seconds with it. Live children are no part of them, so nothing counts twice.
    """
    total = NOTHING
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            times = process.cpu_times()
            cpu_s = _cpu_s(process) + times.children_user + times.children_system
            size, kind = _memory(process) if memory else (0, "pss")
            total += Usage(cpu_s, size, kind, 1)
    return total


@dataclass
class Meter:
    """Follows the process trees of one stack's parts. `read` wants to be called about once a second."""

    _leaders: dict[int, str] = field(default_factory=dict)
    _members: dict[psutil.Process, str] = field(default_factory=dict)
    _cpu_s: dict[psutil.Process, float] = field(default_factory=dict)
    _read_at: float = 0.0
    _trees_at: float = 0.0
    _memory_at: float = 0.0
    _memory_mb: dict[str, float] = field(default_factory=dict)

    def read(self, leaders: Mapping[int, str]) -> tuple[dict[str, float], dict[str, float]]:
        """Return (CPU since the last call in cores, memory in MB) by part; `leaders` are parts by process id."""
        now = time.monotonic()
        if dict(leaders) != self._leaders or now - self._trees_at > TREES_EVERY_S:
            self._leaders, self._trees_at = dict(leaders), now
            self._members = {one: leaders[pid] for pid, tree in trees(leaders).items() for one in tree}
        before, self._cpu_s = self._cpu_s, {}
        cores: dict[str, float] = defaultdict(float)
        for process, part in self._members.items():
            with contextlib.suppress(psutil.Error):
                self._cpu_s[process] = cpu_s = _cpu_s(process)
                # What is seen for the first time has no past here: its seconds so far belong to no tick.
                cores[part] += (cpu_s - before.get(process, cpu_s)) / (now - self._read_at)
        self._read_at = now
        if now - self._memory_at > MEMORY_EVERY_S:
            self._memory_at, self._memory_mb = now, self._read_memory()
        return dict(cores), self._memory_mb

    def _read_memory(self) -> dict[str, float]:
        memory_mb: dict[str, float] = defaultdict(float)
        for process, part in self._members.items():
            with contextlib.suppress(psutil.Error, OSError):
                memory_mb[part] += _memory(process)[0] / 2**20
        return dict(memory_mb)


def _cpu_s(process: psutil.Process) -> float:
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


def _memory(process: psutil.Process) -> tuple[int, str]:
    if sys.platform == "linux":
        # smaps_rollup is summed up by the kernel; psutil's own PSS reads every mapping.
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024, "pss"
    return process.memory_info().rss, "rss"
