"""CPU and memory of many parts, once a second and cheaply."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from deploy.local.process import trees
from deploy.local.usage import cpu_s_of, memory_of

TREES_EVERY_S = 5.0
MEMORY_EVERY_S = 10.0


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
                self._cpu_s[process] = cpu_s = cpu_s_of(process)
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
                memory_mb[part] += memory_of(process)[0] / 2**20
        return dict(memory_mb)
