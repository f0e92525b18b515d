"""Traffic as Envoy counts it: arrivals, answers and latency at the edge, and how much goes along each link."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from deploy.runner.unix_http import UnixConnection

TIMEOUT_S = 0.8
WANTED = (
    r"^(http\.(edge|inner-\w+)\.downstream_rq_(total|time|[1-5]xx)|"
    r"cluster\.[\w-]+\.upstream_rq_(total|20[12]|completed))$"
)
PATH = f"/stats?usedonly&format=json&histogram_buckets=detailed&filter={quote(WANTED)}"
LATENCY = "http.edge.downstream_rq_time"

Buckets = Mapping[float, tuple[float, int]]  # lower bound in ms -> (width, count)


@dataclass(frozen=True)
class Counters:
    """What Envoy has counted since it started."""

    values: Mapping[str, int] = field(default_factory=dict)
    latency_ms: Buckets = field(default_factory=dict)

    def since(self, earlier: Counters) -> Counters:
        """Return what was counted since `earlier`; everything, if Envoy was started anew in between."""
        if any(self.values.get(name, 0) < count for name, count in earlier.values.items()):
            earlier = Counters()
        values = {name: count - earlier.values.get(name, 0) for name, count in self.values.items()}
        latency = {
            lower: (width, count - earlier.latency_ms.get(lower, (0.0, 0))[1])
            for lower, (width, count) in self.latency_ms.items()
        }
        return Counters(values, {lower: bucket for lower, bucket in latency.items() if bucket[1] > 0})

    def edge(self, what: str) -> int:
        """Return a count of the public listener: `total`, `2xx`, `5xx`."""
        return self.values.get(f"http.edge.downstream_rq_{what}", 0)

    def inner(self, part: str) -> int:
        """Return how many calls of other services went to a part."""
        return self.values.get(f"http.inner-{part}.downstream_rq_total", 0)

    def outer(self, part: str) -> int:
        """Return how many requests of customers went to a part."""
        return max(0, self.values.get(f"cluster.{part}.upstream_rq_total", 0) - self.inner(part))

    @property
    def confirmed(self) -> int:
        """How many orders were answered as confirmed: nothing else in the public API answers 201."""
        return self._answered(201)

    @property
    def pending(self) -> int:
        """How many orders and cancels were answered 202: they are being worked on."""
        return self._answered(202)

    def _answered(self, status: int) -> int:
        inner = sum(count for name, count in self.values.items() if name.endswith(f"downstream_rq_{status}"))
        return sum(count for name, count in self.values.items() if name.endswith(f"upstream_rq_{status}")) - inner

    def percentile_ms(self, percent: float) -> float | None:
        """Return a percentile of the latency at the edge, or None if nothing was answered."""
        whole = sum(count for _, count in self.latency_ms.values())
        if not whole:
            return None
        wanted, seen = whole * percent / 100, 0
        for lower in sorted(self.latency_ms):
            width, count = self.latency_ms[lower]
            if seen + count >= wanted:
                return lower + width * (wanted - seen) / count
            seen += count
        return None


class EdgeReader:
    """Keeps one connection to Envoy's admin interface, and asks it again and again."""

    def __init__(self, socket_path: str) -> None:
        self._connection = UnixConnection(socket_path, TIMEOUT_S)

    def read(self) -> Counters | None:
        """Return the counters, or None if Envoy does not answer."""
        try:
            self._connection.request("GET", PATH)
            found = json.loads(self._connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            self._connection.close()
            return None
        return decode(found)


def decode(found: Mapping[str, object]) -> Counters:
    """Read Envoy's JSON of statistics."""
    values: dict[str, int] = {}
    latency: dict[float, tuple[float, int]] = {}
    stats = found.get("stats")
    for item in stats if isinstance(stats, list) else ():
        if "name" in item:
            values[item["name"]] = int(item["value"])
            continue
        for histogram in item["histograms"]["details"]:
            if histogram["name"] == LATENCY:
                latency = {each["lower_bound"]: (each["width"], each["count"]) for each in histogram["totals"]}
    return Counters(values, latency)
