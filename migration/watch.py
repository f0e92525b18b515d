"""Watches what the edge counts of a part that has just been given requests, and says when a bound is broken."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from deploy.envoy import admin
from deploy.model.errors import DeployError

LOOK_EVERY_S = 0.25
LEAST = 5  # requests: fewer say nothing

Buckets = Mapping[float, int]  # upper bound in ms -> how many were at most that


class BoundBroken(DeployError):
    """A part that was given requests answers them too slowly, wrongly, or not at all."""


@dataclass(frozen=True)
class Bounds:
    """What is still good. `error_share` of answers of 5xx; `p99_ms` of the part itself, seen from the edge."""

    error_share: float = 0.01
    p99_ms: float = 500.0


@dataclass(frozen=True)
class Count:
    """What the edge has counted of a cluster."""

    sent: int = 0
    answered: int = 0
    errors: int = 0
    latency: Buckets = field(default_factory=dict)

    def since(self, earlier: Count) -> Count:
        """Return what was counted after `earlier`."""
        latency = {upto: count - earlier.latency.get(upto, 0) for upto, count in self.latency.items()}
        return Count(self.sent - earlier.sent, self.answered - earlier.answered, self.errors - earlier.errors, latency)

    def p99_ms(self) -> float:
        """Return the upper bound of the bucket in which the 99th percentile is; 0 if nothing was answered."""
        whole = max(self.latency.values(), default=0)
        return (
            next((upto for upto, count in sorted(self.latency.items()) if count >= 0.99 * whole), 0.0) if whole else 0
        )

    def broken(self, bounds: Bounds) -> str:
        """Say which bound is broken, or nothing."""
        if self.answered >= LEAST and self.errors > bounds.error_share * self.answered:
            return f"{self.errors} of {self.answered} answers were errors"
        if self.answered >= LEAST and self.p99_ms() > bounds.p99_ms:
            return f"p99 is {self.p99_ms():.0f} ms, above {bounds.p99_ms:.0f} ms"
        return ""

    def is_stuck(self) -> bool:
        """Tell whether hardly anything that was sent has been answered."""
        return self.sent - self.answered >= LEAST and self.answered < 0.5 * self.sent


def read(socket_path: str, cluster: str) -> Count:
    """Return what Envoy has counted of a cluster so far. Raises NotRunning."""
    names = rf"^cluster\.{cluster}\.upstream_rq_(total|completed|5xx|time)$"
    path = f"/stats?format=json&histogram_buckets=cumulative&filter={quote(names)}"
    stats = json.loads(admin.ask(socket_path, path))["stats"]
    values = {item["name"].rpartition("_")[2]: int(item["value"]) for item in stats if "name" in item}
    latency: dict[float, int] = {}
    for item in stats:
        for histogram in item.get("histograms", ()):
            latency = {bucket["upper_bound"]: int(bucket["cumulative"]) for bucket in histogram["buckets"]}
    return Count(values.get("total", 0), values.get("completed", 0), values.get("5xx", 0), latency)


def keep_watch(socket_path: str, clusters: Collection[str], bounds: Bounds, for_s: float) -> None:
    """Watch these clusters for so long. Raises BoundBroken as soon as one of them breaks a bound."""
    began = {cluster: read(socket_path, cluster) for cluster in clusters}
    deadline = time.monotonic() + for_s
    over = False
    while not over:
        time.sleep(LOOK_EVERY_S)
        over = time.monotonic() > deadline
        for cluster in clusters:
            count = read(socket_path, cluster).since(began[cluster])
            why = count.broken(bounds)
            if not why and over and count.is_stuck():
                why = f"only {count.answered} of {count.sent} requests were answered"
            if why:
                raise BoundBroken(f"{cluster}: {why}.")
