"""Traffic as Envoy counts it: arrivals, answers and latency at the edge, of orders and of pages, and of each link."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from deploy.envoy.cluster_stats import Bars, bars_of, bars_since, percentile_ms
from deploy.envoy.routes import COUNTED
from deploy.runner.unix_http import UnixConnection

TIMEOUT_S = 0.8
NAMES = (
    r"^(http\.(edge|inner-\w+)\.downstream_rq_(total|time|[1-5]xx)|"
    rf"vhost\.edge\.vcluster\.({'|'.join(COUNTED)})\.upstream_rq_(20[12]|total|completed|5xx|time)|"
    r"cluster\.[\w-]+\.upstream_rq_total)$"
)
PATH = f"/stats?usedonly&format=json&histogram_buckets=detailed&filter={quote(NAMES)}"
LATENCY = "http.edge.downstream_rq_time"


@dataclass(frozen=True)
class Counters:
    """What Envoy has counted since it started: counts, and times in ms, by Envoy's names."""

    values: Mapping[str, int] = field(default_factory=dict)
    times: Mapping[str, Bars] = field(default_factory=dict)

    def since(self, earlier: Counters) -> Counters:
        """Return what was counted since `earlier`; everything, if Envoy was started anew in between."""
        if any(self.values.get(name, 0) < count for name, count in earlier.values.items()):
            earlier = Counters()
        values = {name: count - earlier.values.get(name, 0) for name, count in self.values.items()}
        return Counters(
            values, {name: bars_since(bars, earlier.times.get(name, {})) for name, bars in self.times.items()}
        )

    def edge(self, what: str) -> int:
        """Return a count of the public listener: `total`, `2xx`, `5xx`."""
        return self.values.get(f"http.edge.downstream_rq_{what}", 0)

    def of(self, kind: str, what: str) -> int:
        """Return a count of one kind of request, `orders` or `browsing`: `total`, `completed`, `5xx`, `201`."""
        return self.values.get(f"{_kind(kind)}_{what}", 0)

    def inner(self, part: str) -> int:
        """Return how many calls of other services went to a part."""
        return self.values.get(f"http.inner-{part}.downstream_rq_total", 0)

    def outer(self, part: str) -> int:
        """Return how many requests of customers went to a part."""
        return max(0, self.values.get(f"cluster.{part}.upstream_rq_total", 0) - self.inner(part))

    def percentile_ms(self, percent: float, kind: str = "") -> float | None:
        """Return a percentile of the latency at the edge, of all or of one kind; None if nothing was answered."""
        return percentile_ms(self.times.get(f"{_kind(kind)}_time" if kind else LATENCY, {}), percent)


def _kind(kind: str) -> str:
    return f"vhost.edge.vcluster.{kind}.upstream_rq"


class EdgeReader:
    """Keeps one connection to Envoy's admin interface, and asks it again and again."""

    def __init__(self, socket_path: str) -> None:
        self._connection = UnixConnection(socket_path, TIMEOUT_S)

    def read(self) -> Counters | None:
        """Return the counters, or None if Envoy does not answer."""
        try:
            self._connection.request("GET", PATH)
            answer = json.loads(self._connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            self._connection.close()
            return None
        return decode(answer)


def decode(answer: Mapping[str, Any]) -> Counters:
    """Read Envoy's JSON of statistics."""
    values: dict[str, int] = {}
    times: dict[str, Bars] = {}
    for item in answer["stats"]:
        if "name" in item:
            values[item["name"]] = int(item["value"])
        else:
            times |= {one["name"]: bars_of(one) for one in item["histograms"]["details"]}
    return Counters(values, times)
