"""What a step adds: paired differences with their interval, and the ladder that they make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import stdtrit

from loadtests.measure.statistics import ALPHA, NotComparable


@dataclass(frozen=True)
class Step:
    """How much more `b` took than `a`, in the unit of the figures, with its interval at 95 %."""

    a: str
    b: str
    added: float
    low: float
    high: float
    pairs: int

    @property
    def shown(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    def as_dict(self) -> dict[str, float | int | str]:
        """Return it as it stands in result.json."""
        return asdict(self)


def step(a: str, b: str, first: Sequence[float], second: Sequence[float], alpha: float = ALPHA) -> Step:
    """Return the mean of second - first, pair by pair, with its t interval. Raises NotComparable."""
    if len(first) != len(second) or len(first) < 2:
        raise NotComparable(f"{len(first)} and {len(second)} figures make no pairs that have an interval")
    differences = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    mean = float(differences.mean())
    quantile = float(stdtrit(differences.size - 1, 1 - alpha / 2))
    half = quantile * float(differences.std(ddof=1)) / math.sqrt(differences.size)
    return Step(a, b, mean, mean - half, mean + half, int(differences.size))
