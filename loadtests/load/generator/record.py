"""What became of each request, as rows on disk and as figures that merge over processes."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from loadtests.measure.latency import LatencyHistogram

# ok: as asked. business: a refusal that belongs to the shop (out of stock, declined). error: the shop failed, or its
# answer is not what was asked for. unanswered: reset, refused or timed out, so that nobody knows what became of it.
Outcome = Literal["ok", "business", "error", "unanswered"]
FAILED: frozenset[str] = frozenset({"error", "unanswered"})


class Row(NamedTuple):
    """One request. `due_s` counts from the measured start (negative: warm-up); latency from due, service from sent."""

    arrival: int
    due_s: float
    sent_s: float
    latency_ms: float
    service_ms: float
    journey: str
    name: str
    status: int
    code: str
    outcome: Outcome
    trace: str = ""  # the id of its trace, if one is kept


@dataclass
class JourneyTally:
    """The figures of one journey."""

    latency: LatencyHistogram = field(default_factory=LatencyHistogram)
    service: LatencyHistogram = field(default_factory=LatencyHistogram)
    outcomes: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    def merge(self, other: JourneyTally) -> None:
        """Add the counts of another process."""
        self.latency.merge(other.latency)
        self.service.merge(other.service)
        self.outcomes.update(other.outcomes)
        self.answers.update(other.answers)

    def summary(self) -> dict[str, Any]:
        """Return counts and percentiles."""
        return {
            "count": self.latency.count,
            "outcomes": dict(self.outcomes),
            "answers": dict(self.answers),
            "latency_ms": self.latency.summary(),
            "service_ms": self.service.summary(),
        }


@dataclass
class Tally:
    """The figures of a run, by journey; `lag` is how late requests left. Warm-up rows are not counted."""

    journeys: dict[str, JourneyTally] = field(default_factory=dict)
    lag: LatencyHistogram = field(default_factory=LatencyHistogram)

    def add(self, row: Row) -> None:
        """Count one request."""
        if row.due_s < 0:
            return
        journey = self.journeys.get(row.journey)
        if journey is None:
            journey = self.journeys[row.journey] = JourneyTally()
        journey.latency.record(row.latency_ms)
        journey.service.record(row.service_ms)
        journey.outcomes[row.outcome] += 1
        journey.answers[f"{row.status} {row.code}".strip()] += 1
        self.lag.record((row.sent_s - row.due_s) * 1000)

    def merge(self, other: Tally) -> None:
        """Add the figures of another process."""
        for name, journey in other.journeys.items():
            self.journeys.setdefault(name, JourneyTally()).merge(journey)
        self.lag.merge(other.lag)

    def whole(self) -> JourneyTally:
        """Return all journeys as one."""
        total = JourneyTally()
        for journey in self.journeys.values():
            total.merge(journey)
        return total

    def encode(self) -> dict[str, Any]:
        """Return the tally as plain values, to be sent to another process or kept in a file."""
        return {
            "lag": self.lag.encode(),
            "journeys": {
                name: {
                    "latency": journey.latency.encode(),
                    "service": journey.service.encode(),
                    "outcomes": dict(journey.outcomes),
                    "answers": dict(journey.answers),
                }
                for name, journey in self.journeys.items()
            },
        }

    @classmethod
    def decode(cls, values: dict[str, Any]) -> Tally:
        """Return what `encode` wrote."""
        journeys = {
            name: JourneyTally(
                LatencyHistogram.decode(tally["latency"]),
                LatencyHistogram.decode(tally["service"]),
                Counter(tally["outcomes"]),
                Counter(tally["answers"]),
            )
            for name, tally in values["journeys"].items()
        }
        return cls(journeys, LatencyHistogram.decode(values["lag"]))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write the raw rows as gzipped CSV, in the order in which they were due."""
    with gzip.open(path, "wt", newline="", compresslevel=3) as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        for row in sorted(rows):
            writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in row])


def read_rows(path: Path) -> list[Row]:
    """Return the rows that `write_rows` wrote."""
    with gzip.open(path, "rt", newline="") as file:
        return [
            Row(
                int(row["arrival"]),
                float(row["due_s"]),
                float(row["sent_s"]),
                float(row["latency_ms"]),
                float(row["service_ms"]),
                row["journey"],
                row["name"],
                int(row["status"]),
                row["code"],
                row["outcome"],  # type: ignore[arg-type]
                row.get("trace", ""),
            )
            for row in csv.DictReader(file)
        ]
