"""CPU quotas for replicas that run in containers: the engine sets them, the kernel counts when they are used up."""

from __future__ import annotations

import os
from collections.abc import Sequence

from deploy.compose.cgroups import ROOT, folder, value
from deploy.compose.engine import Container, Engine
from deploy.compose.fleet import ContainerFleet

CORE = 1_000_000_000  # NanoCpus


class ContainerQuotas:
    """Gives replicas of a stack their shares, and takes them away. Used as a context (see deploy/local/quota.py)."""

    def __init__(self, fleet: ContainerFleet, engine: Engine, share: float) -> None:
        """`share` is of one core, the same for each replica."""
        self._fleet = fleet
        self._engine = engine
        self._share = share
        self._limited: list[Container] = []

    @property
    def version(self) -> int:
        """The version of control groups in use."""
        return 2 if (ROOT / "cgroup.controllers").exists() else 1

    def apply(self, parts: Sequence[str]) -> int:
        """Limit every live replica of these parts, and no other; return how many there are."""
        self.lift()
        self._limited = [one for part, one in self._fleet.replicas() if part.name in parts and one.pid]
        for one in self._limited:
            self._engine.update(one, NanoCpus=round(self._share * CORE))
        return len(self._limited)

    def throttled(self) -> int:
        """Return in how many periods replicas ran out of their quota so far. Raises OSError without control groups."""
        return sum(value(folder(one, "cpu") / "cpu.stat", "nr_throttled") for one in self._limited)

    def lift(self) -> None:
        """Let everything run freely again: to the engine no limit is 'as before', so it gets all cores."""
        alive = {one.id for _, one in self._fleet.replicas()}
        for one in self._limited:
            if one.id in alive:
                self._engine.update(one, NanoCpus=(os.cpu_count() or 1) * CORE)
        self._limited = []

    def __enter__(self) -> ContainerQuotas:
        return self

    def __exit__(self, *_: object) -> None:
        self.lift()
