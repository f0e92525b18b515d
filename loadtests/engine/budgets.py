"""Who runs on which cores: the same ones for each build, other ones for the generator and the outside world."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from loadtests.report.result import Budgets

# The monolith has one worker, so its budget is one core; on more, four services would have cores that it cannot use.
# An experiment that gives a build more has to scale the monolith to as many workers, with its pool divided among them.
MAX_BUILD_CORES = 1


@dataclass(frozen=True)
class Budget:
    """Cores of the build under test, and of everything else. None where nothing can be bound."""

    build: tuple[int, ...] | None
    other: tuple[int, ...] | None

    @property
    def enforced(self) -> bool:
        """Whether a build and its load are kept apart. If not, no winner in speed may be named."""
        return self.build is not None and self.other is not None and not set(self.build) & set(self.other)

    def as_dict(self) -> Budgets:
        """Return it as it stands in result.json."""
        return {
            "enforced": self.enforced,
            "build_cores": list(self.build) if self.build else None,
            "other_cores": list(self.other) if self.other else None,
        }


def split(cores: Iterable[int]) -> Budget:
    """Divide cores: one for a build, the rest for the others. A machine with a single core has none to divide."""
    usable = sorted(cores)
    half = min(len(usable) // 2, MAX_BUILD_CORES)
    if not half:
        return Budget(None, None)
    return Budget(tuple(usable[:half]), tuple(usable[half:]))


def of_this_machine() -> Budget:
    """Return the budget here; without affinity (macOS) nothing is bound."""
    if not hasattr(os, "sched_getaffinity"):
        return Budget(None, None)
    return split(os.sched_getaffinity(0))
