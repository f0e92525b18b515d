"""CPU and memory by part, read cheaply: a supervisor's own figures are exact, but cost 30 ms of CPU a look."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

TREE_EVERY_S = 5.0
MEMORY_EVERY_S = 10.0
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
LINUX = sys.platform == "linux"


@dataclass
class Meter:
    """Follows the process trees of one stack's parts. `read` wants to be called about once a second."""

    _leaders: dict[int, str] = field(default_factory=dict)
    _part_of: dict[int, str] = field(default_factory=dict)
    _cpu_s: dict[int, float] = field(default_factory=dict)
    _read_at: float = 0.0
    _tree_at: float = 0.0
    _memory_at: float = 0.0
    _memory_mb: dict[str, float] = field(default_factory=dict)

    def read(self, leaders: Mapping[int, str]) -> tuple[dict[str, float], dict[str, float]]:
        """Return (CPU since the last call in cores, memory in MB) by part; `leaders` are parts by process id."""
        now = time.monotonic()
        if dict(leaders) != self._leaders or now - self._tree_at > TREE_EVERY_S:
            self._leaders, self._tree_at = dict(leaders), now
            self._part_of = _members(self._leaders)
        cpu_s = {pid: spent for pid in self._part_of if (spent := _cpu_s(pid)) is not None}
        lapse_s = now - self._read_at
        cores: dict[str, float] = defaultdict(float)
        for pid, spent in cpu_s.items():
            # What is seen for the first time has no past here: its seconds so far belong to no tick.
            cores[self._part_of[pid]] += (spent - self._cpu_s.get(pid, spent)) / lapse_s
        self._cpu_s, self._read_at = cpu_s, now
        if now - self._memory_at > MEMORY_EVERY_S:
            self._memory_at, self._memory_mb = now, _memory_mb(self._part_of)
        return dict(cores), self._memory_mb


def _members(leaders: Mapping[int, str]) -> dict[int, str]:
    """Return the part of every process below the leaders, themselves included."""
    children: dict[int, list[int]] = defaultdict(list)
    for pid, parent in _parents():
        children[parent].append(pid)
    members: dict[int, str] = {}
    for leader, part in leaders.items():
        waiting = [leader]
        while waiting:
            pid = waiting.pop()
            members[pid] = part
            waiting += children[pid]
    return members


def _parents() -> Iterable[tuple[int, int]]:
    if not LINUX:
        return [(each.pid, each.ppid()) for each in psutil.process_iter()]
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))) is not None:
            found.append((int(name), int(fields[1])))
    return found


def _cpu_s(pid: int) -> float | None:
    if LINUX:
        fields = _stat(pid)
        return (int(fields[11]) + int(fields[12])) / TICKS if fields else None
    with contextlib.suppress(psutil.Error):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return None


def _stat(pid: int) -> list[bytes] | None:
    """Return the fields of /proc/PID/stat after the name, which may hold blanks; None if the process is gone."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
        try:
            line = os.read(descriptor, 1024)
        finally:
            os.close(descriptor)
    except OSError:
        return None
    return line[line.rfind(b")") + 2 :].split()


def _memory_mb(part_of: Mapping[int, str]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for pid, part in part_of.items():
        with contextlib.suppress(OSError, psutil.Error, ValueError):
            if not LINUX:
                found[part] += psutil.Process(pid).memory_info().rss / 2**20
                continue
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
                if line.startswith("Pss:"):
                    found[part] += int(line.split()[1]) / 1024
    return dict(found)
