"""What is shown, once a second: both shops' traffic, health, CPU and memory, taken by one thread."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from deploy.envoy.routes import COUNTED
from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.runner.interface import InstanceStatus
from room.edge import Counters, EdgeReader
from room.meter import Meter
from room.part_metrics import MetricsReader

EVERY_S = 1.0
METRICS_EVERY = 3  # ticks: a look at a part's own metrics costs the part about 2 ms of CPU
LIMIT = 900  # fifteen minutes
RECENT = 5  # looks whose requests are told together

Sample = dict[str, Any]


class StackWatch:
    """Everything that is looked at in one stack. Used by one thread at a time."""

    def __init__(self, runner: LocalRunner) -> None:
        self._runner = runner
        self._edge = EdgeReader(runner.stack.part("edge").admin)
        self._meter = Meter()
        self._counted: deque[Counters] = deque(maxlen=RECENT + 1)
        self._metrics: dict[int, MetricsReader] = {}
        self._flows: dict[str, float] = {}
        self._tick = 0
        self.states: dict[str, str] = {}

    def look(self, lapse_s: float) -> dict[str, Any]:
        """Return how the stack is now, rates counted over the last `lapse_s`."""
        try:
            status = self._runner.status()
        except DeployError:  # its supervisor is busy: what we knew last stays on the page
            return {"up": bool(self.states), "busy": True}
        self.states = {one.instance: one.state for one in status.instances}
        if not status.up:
            self._counted.clear()
            return {"up": False}
        leaders = {one.pid: one.part for one in status.instances if one.pid is not None}
        cpu, memory = self._meter.read(leaders)
        self._tick += 1
        if self._tick % METRICS_EVERY == 0:
            self._flows = self._read_metrics(status.instances, lapse_s * METRICS_EVERY)
        sample = self._traffic(lapse_s)
        sample["flows"] |= self._flows
        return sample | {
            "up": True,
            "cpu": {part: round(cores, 4) for part, cores in cpu.items()},
            "memory": {part: round(size) for part, size in memory.items()},
            "parts": _by_part(status.instances),
        }

    def _traffic(self, lapse_s: float) -> dict[str, Any]:
        counted = self._edge.read()
        if counted is None:
            return {"flows": {}}
        self._counted.append(counted)
        if len(self._counted) == 1:
            return {"flows": {}}
        new = counted.since(self._counted[-2])
        flows = {"edge": new.edge("total") / lapse_s}
        for part in self._runner.stack.parts:
            if part.kind == "app":
                flows[f"outer:{part.name}"] = new.outer(part.name) / lapse_s
                flows[f"inner:{part.name}"] = new.inner(part.name) / lapse_s
        return {
            "arrivals": round(new.edge("total") / lapse_s, 1),
            "good": round((new.edge("2xx") + new.edge("3xx")) / lapse_s, 1),
            "refused": round(new.edge("4xx") / lapse_s, 1),
            "errors": round(new.edge("5xx") / lapse_s, 1),
            "orders": round(new.of("orders", "201") / lapse_s, 1),
            "pending": round(new.of("orders", "202") / lapse_s, 1),
            "p50": _rounded(new.percentile_ms(50)),
            "p99": _rounded(new.percentile_ms(99)),
            "flows": {name: round(rate, 1) for name, rate in flows.items() if rate},
            "recent": {kind: self._recent(kind) for kind in COUNTED} | {"looks": len(self._counted) - 1},
        }

    def _recent(self, kind: str) -> dict[str, float | None]:
        """Return counts of one kind of request over the last looks: a second alone has too few orders."""
        new = self._counted[-1].since(self._counted[0])
        counts = {"asked": "total", "answered": "completed", "failed": "5xx", "confirmed": "201", "pending": "202"}
        return {name: new.of(kind, what) for name, what in counts.items()} | {
            "p99": _rounded(new.percentile_ms(99, kind))
        }

    def _read_metrics(self, instances: tuple[InstanceStatus, ...], lapse_s: float) -> dict[str, float]:
        flows: Counter[str] = Counter()
        for one in instances:
            if self._runner.stack.part(one.part).kind == "app" and one.state == "ready":
                reader = self._metrics.setdefault(one.ports["http"], MetricsReader(one.ports["http"]))
                for link, count in reader.read().items():
                    flows[f"{link}:{one.part}"] += count
        return {name: round(count / lapse_s, 1) for name, count in flows.items()}


class Sampler:
    """Takes samples until it is stopped. `tell` is called from its thread with each of them."""

    def __init__(self, runners: Mapping[str, LocalRunner], tell: Callable[[Sample], None]) -> None:
        self.watches = {name: StackWatch(runner) for name, runner in runners.items()}
        self.samples: deque[Sample] = deque(maxlen=LIMIT)
        self._tell = tell
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the last sample."""
        self._enough.set()
        self._thread.join(5)

    def _run(self) -> None:
        number, last = 0, time.monotonic()
        due = last + EVERY_S
        with ThreadPoolExecutor(len(self.watches)) as threads:
            while not self._enough.wait(max(0.0, due - time.monotonic())):
                now = time.monotonic()
                lapse_s, last = now - last, now
                looks = {name: threads.submit(watch.look, lapse_s) for name, watch in self.watches.items()}
                sample = {
                    "n": number,
                    "at": round(time.time() * 1000),
                    "stacks": {name: look.result() for name, look in looks.items()},
                }
                number += 1
                self.samples.append(sample)
                self._tell(sample)
                due = max(due + EVERY_S, time.monotonic() + EVERY_S / 4)  # after a stall: no burst of samples


def _by_part(instances: tuple[InstanceStatus, ...]) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for one in instances:
        parts.setdefault(one.part, []).append(one.state)
    return parts


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
