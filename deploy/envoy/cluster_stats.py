"""What Envoy has counted of a cluster: requests, failures, and how long its answers took."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote

from deploy.envoy import admin

FLUSH_S = 0.05
Bars = Mapping[float, tuple[float, int]]  # lower bound in ms -> (width, count)


@dataclass(frozen=True)
class ClusterStats:
    """Of one cluster. `failed`: answers of 5xx, Envoy's own too, which it gives where a replica does not answer."""

    answered: int = 0
    failed: int = 0
    waits_ms: Bars = field(default_factory=dict)

    def since(self, earlier: ClusterStats) -> ClusterStats:
        """Return what came after `earlier`; everything, if Envoy was started anew in between."""
        if self.answered < earlier.answered:
            return self
        return ClusterStats(
            self.answered - earlier.answered,
            self.failed - earlier.failed,
            bars_since(self.waits_ms, earlier.waits_ms),
        )

    @property
    def timed(self) -> int:
        """Answers whose time is known."""
        return sum(count for _, count in self.waits_ms.values())

    def slower_than(self, ms: float) -> int:
        """Return how many answers took at least so long, by whole bars."""
        return sum(count for lower, (_, count) in self.waits_ms.items() if lower >= ms)

    def percentile_ms(self, percent: float) -> float | None:
        """Return a percentile of the time to an answer, interpolated inside its bar; None without answers."""
        return percentile_ms(self.waits_ms, percent)

    def encode(self) -> dict[str, Any]:
        """Return plain values for a file."""
        return asdict(self) | {"waits_ms": [[lower, *bar] for lower, bar in self.waits_ms.items()]}

    @classmethod
    def decode(cls, values: Mapping[str, Any]) -> ClusterStats:
        """Return what `encode` wrote."""
        bars = {float(lower): (float(width), int(count)) for lower, width, count in values["waits_ms"]}
        return cls(values["answered"], values["failed"], bars)


def read(socket_path: str, clusters: Collection[str]) -> dict[str, ClusterStats]:
    """Return what Envoy has counted of these clusters since it knows them. Raises NotRunning."""
    admin.ask(socket_path, "/stats?filter=^$")  # it puts its threads' histograms together when asked, and afterwards
    time.sleep(FLUSH_S)
    names = "|".join(re.escape(name) for name in clusters)
    pattern = rf"^cluster\.({names})\.upstream_rq_(completed|5xx|time)$"
    text = admin.ask(socket_path, f"/stats?format=json&histogram_buckets=detailed&filter={quote(pattern)}")
    return decode(json.loads(text), clusters)


def decode(document: Mapping[str, Any], clusters: Collection[str]) -> dict[str, ClusterStats]:
    """Read Envoy's JSON of statistics."""
    values: dict[str, int] = {}
    waits: dict[str, Bars] = {}
    for item in document["stats"]:
        if "name" in item:
            values[item["name"]] = int(item["value"])
            continue
        for histogram in item["histograms"]["details"]:
            waits[histogram["name"]] = bars_of(histogram)
    return {
        name: ClusterStats(
            values.get(f"cluster.{name}.upstream_rq_completed", 0),
            values.get(f"cluster.{name}.upstream_rq_5xx", 0),
            waits.get(f"cluster.{name}.upstream_rq_time", {}),
        )
        for name in clusters
    }


def bars_of(histogram: Mapping[str, Any]) -> Bars:
    """Read a histogram of Envoy's JSON."""
    return {float(bar["lower_bound"]): (float(bar["width"]), int(bar["count"])) for bar in histogram["totals"]}


def bars_since(now: Bars, earlier: Bars) -> Bars:
    """Return what was counted since `earlier`."""
    new = {lower: (width, count - earlier.get(lower, (0.0, 0))[1]) for lower, (width, count) in now.items()}
    return {lower: bar for lower, bar in new.items() if bar[1] > 0}


def percentile_ms(bars: Bars, percent: float) -> float | None:
    """Return a percentile (0 to 100), interpolated inside its bar; None where nothing was counted."""
    rank, passed = sum(count for _, count in bars.values()) * percent / 100, 0
    for lower in sorted(bars):
        width, count = bars[lower]
        if passed + count >= rank and count:
            return lower + width * (rank - passed) / count
        passed += count
    return None
