"""What a stack spent: CPU and memory by part, statements, commits, calls and events; and that per correct order."""

from __future__ import annotations

import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from deploy.runner.interface import Runner

MB = 1_000_000
METRICS_TIMEOUT_S = 15.0  # minutes of measuring are lost by one answer that a busy machine is late with
# From the metrics of shared/platform/metrics.py, with what they are called in a result.
COUNTED = {
    "db_statements_total": "db_statements",
    "db_commits_total": "db_commits",
    "http_client_calls_total": "calls",
    "events_published_total": "events_published",
    "events_consumed_total": "events_consumed",
    "mails_sent_total": "mails_sent",
}


@dataclass(frozen=True)
class Reading:
    """What a stack's parts had used at one moment (of `time.monotonic`). CPU in seconds since each part's start."""

    taken_at: float
    cpu_s: Mapping[str, float]
    restarts: Mapping[str, int]
    memory_mb: Mapping[str, float] = field(default_factory=dict)
    memory_kind: str = "pss"


@dataclass(frozen=True)
class Spent:
    """What was used between two readings. `restarted` parts lost what they had used before, so their CPU is too low."""

    wall_s: float
    cpu_ms: Mapping[str, float]
    restarted: tuple[str, ...]

    @property
    def cpu_ms_in_all(self) -> float:
        """CPU milliseconds of all parts."""
        return sum(self.cpu_ms.values())

    @property
    def cores(self) -> float:
        """How many cores were busy on average."""
        return self.cpu_ms_in_all / 1000 / self.wall_s if self.wall_s > 0 else 0.0

    def per(self, units: int) -> float | None:
        """CPU milliseconds of all parts per unit of work; None if none was done, or if no part was seen."""
        return self.cpu_ms_in_all / units if units and self.cpu_ms else None


def take(runner: Runner, *, memory: bool = False) -> Reading:
    """Read a stack's use now. With memory it takes some milliseconds per process."""
    stats = runner.stats(memory=memory)
    kinds = {part.memory_kind for part in stats}
    return Reading(
        taken_at=time.monotonic(),
        cpu_s={part.part: part.cpu_s for part in stats},
        restarts={part.part: part.restarts for part in stats},
        memory_mb={part.part: part.memory_bytes / MB for part in stats} if memory else {},
        memory_kind=kinds.pop() if len(kinds) == 1 else "rss",
    )


def between(before: Reading, after: Reading) -> Spent:
    """Return what was used between two readings of the same stack."""
    cpu_ms, restarted = {}, []
    for part, cpu_s in after.cpu_s.items():
        known = part in before.cpu_s
        same = known and before.restarts[part] == after.restarts[part] and cpu_s >= before.cpu_s[part]
        cpu_ms[part] = (cpu_s - before.cpu_s[part] if same else cpu_s) * 1000
        if known and not same:
            restarted.append(part)
    return Spent(after.taken_at - before.taken_at, cpu_ms, tuple(restarted))


def idle(runners: Mapping[str, Runner], seconds: float) -> dict[str, dict[str, float]]:
    """Return what stacks without load use, watched together for this long: share of a core, and megabytes."""
    before = {name: take(runner) for name, runner in runners.items()}
    time.sleep(seconds)
    idle = {}
    for name, runner in runners.items():
        after = take(runner, memory=True)
        idle[name] = {"cores": between(before[name], after).cores, "memory_mb": sum(after.memory_mb.values())}
    return idle


def counters(runner: Runner) -> dict[str, Counter[str]]:
    """Return, for each application of a stack, what it has counted since it started: statements, commits, calls."""
    addresses: list[tuple[str, str]] = []
    applications = {part.name for part in runner.stack.parts if part.kind == "app"}
    for instance in runner.status().instances:
        if instance.part in applications and instance.state == "ready":
            addresses.append((instance.part, f"http://127.0.0.1:{instance.ports['http']}/metrics"))
    counts: dict[str, Counter[str]] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:
        for (part, _), text in zip(addresses, pool.map(_fetch, (url for _, url in addresses)), strict=True):
            counts.setdefault(part, Counter()).update(read_counters(text))
    return counts


def read_counters(text: str) -> Counter[str]:
    """Return the sums of the metrics that we account for, from Prometheus' text format; calls also by peer."""
    sums: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if name := COUNTED.get(sample.name):
                sums[name] += int(sample.value)
                if peer := sample.labels.get("peer"):
                    sums[f"calls to {peer}"] += int(sample.value)
    return sums


def counted_between(before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    """Return by how much each part's counters grew."""
    grown: dict[str, dict[str, int]] = {}
    for part, counts in after.items():
        earlier = before.get(part, Counter())
        grown[part] = {name: count - earlier[name] for name, count in sorted(counts.items()) if count - earlier[name]}
    return grown


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=METRICS_TIMEOUT_S) as answer:  # noqa: S310  (an address of ours)
        return str(answer.read().decode())
