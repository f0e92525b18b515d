"""How throughput grows with replicas: the Universal Scalability Law, fitted where there are points enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MIN_POINTS = 4  # three parameters, and one point to contradict them


@dataclass(frozen=True)
class Scalability:
    """Throughput of n replicas: `one` n / (1 + `contention` (n - 1) + `coherence` n (n - 1)).

    Gunther, "Guerrilla Capacity Planning" (2007), chapter 4. Contention is the share of the work that queues for
    something shared; coherence is what replicas cost each other by agreeing.
    """

    one: float
    contention: float
    coherence: float

    def at(self, replicas: float) -> float:
        """Return the throughput of this many replicas."""
        return self.one * replicas / (1 + self.contention * (replicas - 1) + self.coherence * replicas * (replicas - 1))

    @property
    def peak(self) -> float:
        """The number of replicas beyond which more of them do less; infinite if there is none."""
        if self.coherence <= 0:
            return math.inf
        return math.sqrt(max(0.0, 1 - self.contention) / self.coherence)


def fit(throughput: Mapping[int, float]) -> Scalability | None:
    """Return the law that fits throughput by number of replicas best; None with fewer than four numbers."""
    if len(throughput) < MIN_POINTS:
        return None
    from scipy import optimize  # noqa: PLC0415  (a second to import, and few results have so many points)

    replicas = np.asarray(sorted(throughput), dtype=np.float64)
    measured = np.asarray([throughput[int(n)] for n in replicas], dtype=np.float64)

    def misses(law: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
        one, contention, coherence = law
        expected = one * replicas / (1 + contention * (replicas - 1) + coherence * replicas * (replicas - 1))
        return np.asarray(expected - measured, dtype=np.float64)

    first = max(float(measured[0] / replicas[0]), 1e-9)
    solution = optimize.least_squares(
        misses, x0=[first, 0.01, 0.0001], bounds=([0, 0, 0], [np.inf, 1, 1]), x_scale=[first, 0.1, 0.01]
    )
    one, contention, coherence = (float(value) for value in solution.x)
    return Scalability(one, contention, coherence)
