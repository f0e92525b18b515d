"""Who runs on which cores: the same ones for each build, other ones for the generator and the outside world.

A build of Python processes uses as many cores as it has processes, so on N cores each of its parts has N replicas
(`Budget.workers`), with pools of their own: connections grow alike in both builds.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from deploy.model.errors import DeployError
from loadtests.measure import topology
from loadtests.report.result import Budgets

SIZES = (1, 2, 4, 8)


@dataclass(frozen=True)
class Budget:
    """Cores of the build under test, and of everything else. None where nothing can be bound."""

    build: tuple[int, ...] | None
    other: tuple[int, ...] | None

    @property
    def enforced(self) -> bool:
        """Whether a build and its load are kept apart. If not, no winner in speed may be named."""
        return self.build is not None and self.other is not None and not set(self.build) & set(self.other)

    @property
    def workers(self) -> int:
        """How many replicas each part of a build has: as many as there are cores for it."""
        return len(self.build or (0,))

    def as_dict(self) -> Budgets:
        """Return it as it stands in result.json."""
        return {
            "enforced": self.enforced,
            "build_cores": list(self.build) if self.build else None,
            "other_cores": list(self.other) if self.other else None,
        }


def split(cores: Iterable[int], size: int = 1, siblings: Sequence[Sequence[int]] = ()) -> Budget:
    """Divide cores: `size` for a build, the rest for the others. A machine with a single core has none to divide.

    Threads of one core (`siblings`) come to the same side as far as they can: apart they would slow each other down.
    Raises DeployError where nothing is left for the others.
    """
    usable = sorted(cores)
    if len(usable) < 2 and size == 1:
        return Budget(None, None)
    if size >= len(usable):
        raise DeployError(f"cores={size}: want less than the {len(usable)} that there are, for the load needs one.")
    of_core = {thread: min(group) for group in siblings for thread in group}
    usable.sort(key=lambda core: (of_core.get(core, core), core))
    return Budget(tuple(usable[:size]), tuple(usable[size:]))


def sizes(most: int) -> tuple[int, ...]:
    """Return the budgets to compare, up to the largest."""
    return tuple(size for size in SIZES if size <= most) or SIZES[:1]


def usable_cores() -> list[int]:
    """Return the cores that we may use; none where nothing can be bound (macOS)."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextlib.contextmanager
def this_thread_on(cores: Sequence[int] | None) -> Iterator[None]:
    """Keep this thread on these cores, and so the processes that it starts meanwhile; where that cannot be, nothing."""
    before = usable_cores()
    if before and cores:
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)


def of_this_machine(size: int = 1) -> Budget:
    """Return the budget here; without affinity (macOS) nothing is bound. Raises DeployError for more than there is."""
    return split(usable_cores(), size, topology.siblings())
