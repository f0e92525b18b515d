"""Did the generator itself keep up? Its CPU share, second by second, and the reasons that make a run void."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import gevent

MIN_ACHIEVED = 0.99
# Above this share of one core, waiting for the generator is part of every latency (M/D/1: at 0.85 the mean wait is
# 2.8 service times).
MAX_CPU_SHARE = 0.85
# One request in a hundred that leaves later than this would move the p99 of a shop that answers in tens of ms.
MAX_LAG_P99_MS = 25.0
LATE = "requests left late"  # how that reason begins


@dataclass
class CpuWatch:
    """Samples this process's CPU share each second. A greenlet runs on one core, so 1.0 is all it can have."""

    shares: list[float] = field(default_factory=list)
    _running: bool = False

    def start(self) -> None:
        """Begin to sample, in a greenlet."""
        self._running = True
        gevent.spawn(self._sample)

    def stop(self) -> None:
        """Take no further sample."""
        self._running = False

    def _sample(self) -> None:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        while self._running:
            gevent.sleep(1.0)
            now_s, used_s = time.perf_counter(), time.process_time()
            self.shares.append((used_s - cpu_s) / (now_s - wall_s))
            wall_s, cpu_s = now_s, used_s

    @property
    def mean(self) -> float:
        """Mean share of a core; 0 if the run was shorter than a second."""
        return sum(self.shares) / len(self.shares) if self.shares else 0.0

    @property
    def highest(self) -> float:
        """Highest share in one second."""
        return max(self.shares, default=0.0)


def void_reasons(*, due: int, sent: int, cpu_share: float, lag_p99_ms: float) -> list[str]:
    """Return why the figures of this run must not be used; empty if they may."""
    reasons = []
    if due == 0:
        return ["nothing was due"]
    if sent < MIN_ACHIEVED * due:
        reasons.append(f"sent {sent} of {due} that were due ({sent / due:.1%}, at least {MIN_ACHIEVED:.0%} is needed)")
    if cpu_share > MAX_CPU_SHARE:
        reasons.append(f"the generator's core was saturated: {cpu_share:.0%} of it used (at most {MAX_CPU_SHARE:.0%})")
    if lag_p99_ms > MAX_LAG_P99_MS:
        reasons.append(f"{LATE}: p99 of the lag {lag_p99_ms:.1f} ms (at most {MAX_LAG_P99_MS:g} ms)")
    return reasons
