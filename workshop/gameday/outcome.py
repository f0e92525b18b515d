"""What came of a game day, as plain values: enough to draw its page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deploy.model.home import write_atomically
from loadtests.load.conditions import Condition
from loadtests.load.generator.record import FAILED, Row
from loadtests.measure.impact import FaultWindow

FILE = "gameday.json"
LEAST_TO_TELL = 10  # while it runs: the first two requests say little
Verdict = Literal["held", "refuted", "not shown", "waiting"]


@dataclass
class Prediction:
    """A hypothesis about one step in one build. `refuted_at_s`: when it was first seen not to hold, while it ran."""

    build: str
    text: str
    verdict: Verdict = "waiting"
    seen: str = ""
    count: int = 0
    refuted_at_s: float | None = None

    def look(self, condition: Condition, rows: Sequence[Row], at_s: float, *, is_final: bool) -> None:
        """Compare with what customers met; `rows` are those that were due while the fault was in force."""
        measurement = condition.measure(rows)
        self.seen, self.count = condition.words(measurement.value), measurement.count
        if measurement.value is None or (measurement.count < LEAST_TO_TELL and not is_final):
            self.verdict = "not shown" if is_final else "waiting"
        elif condition.holds(measurement.value):
            self.verdict = "held"
        else:
            self.verdict = "refuted"
            if self.refuted_at_s is None and not is_final:
                self.refuted_at_s = round(at_s, 1)


@dataclass
class StepOutcome:
    """A step of the plan as it happened. `windows` by build; none where it was not injected any more."""

    name: str
    fault: str
    part: str
    parameters: dict[str, float]
    builds: tuple[str, ...]
    at_s: float
    for_s: float
    windows: dict[str, FaultWindow] = field(default_factory=dict)
    predictions: list[Prediction] = field(default_factory=list)


@dataclass
class Second:
    """What customers of one build met who came within one second. Latencies in ms, None where nobody came."""

    due: int
    answered: int
    p50: float | None
    p99: float | None


@dataclass
class Outcome:
    """A game day. `stopped`: why it ended before its plan did; `books` by build, as the reconciler tells them."""

    title: str
    about: str
    command: str
    started_at: str
    seed: int
    load: dict[str, Any]
    duration_s: float
    abort: list[str]
    builds: list[str]
    steps: list[StepOutcome]
    now_s: float = 0.0
    is_over: bool = False
    stopped: str = ""
    stopped_at_s: float | None = None
    seconds: dict[str, list[Second]] = field(default_factory=dict)
    void: dict[str, list[str]] = field(default_factory=dict)
    books: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def predictions(self) -> list[Prediction]:
        """All of them, step by step."""
        return [one for step in self.steps for one in step.predictions]

    @property
    def violations(self) -> int:
        """How many promises the books found broken."""
        return sum(len(book["violations"]) for book in self.books.values())

    def write(self, folder: Path) -> None:
        """Keep it."""
        write_atomically(folder / FILE, json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")


def by_second(rows: Sequence[Row], until_s: float) -> list[Second]:
    """Return what was met second by second, by the moment at which requests were due."""
    groups: list[list[Row]] = [[] for _ in range(max(0, int(until_s)))]
    for row in rows:
        if 0 <= row.due_s < len(groups):
            groups[int(row.due_s)].append(row)
    return [_second(group) for group in groups]


def _second(rows: Sequence[Row]) -> Second:
    if not rows:
        return Second(0, 0, None, None)
    middle, high = np.percentile([row.latency_ms for row in rows], (50, 99))
    return Second(len(rows), sum(row.outcome not in FAILED for row in rows), round(middle, 1), round(high, 1))
