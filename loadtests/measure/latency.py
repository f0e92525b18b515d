"""Latencies in HDR histograms: three significant digits from 1 microsecond to 10 minutes, merged and never averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hdrh.histogram import HdrHistogram

LOWEST_US = 1
HIGHEST_US = 600_000_000
SIGNIFICANT_DIGITS = 3
REPORTED_PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0}
BEYOND = 5  # so many requests at least lie beyond a percentile that is named


def _empty() -> Any:
    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)


def can_name(percent: float, count: int) -> bool:
    """Whether so many requests have this percentile: the p99 of 60 requests is their maximum."""
    return count * (1 - percent / 100) >= BEYOND


@dataclass
class LatencyHistogram:
    """How often each latency was seen. Values in milliseconds outside, in whole microseconds inside.

    The relative error of a percentile is at most 0.1 % (three digits); Locust's own statistics keep two digits.
    """

    _counts: Any = field(default_factory=_empty)

    @classmethod
    def of(cls, values_ms: list[float]) -> LatencyHistogram:
        """Return the histogram of these latencies."""
        histogram = cls()
        for value_ms in values_ms:
            histogram.record(value_ms)
        return histogram

    @property
    def count(self) -> int:
        """How many values were recorded."""
        return int(self._counts.get_total_count())

    def record(self, latency_ms: float) -> None:
        """Add one latency. Above 10 minutes it counts as 10 minutes, so that the worst is never lost."""
        latency_us = min(max(round(latency_ms * 1000), LOWEST_US), HIGHEST_US)
        self._counts.record_value(latency_us)

    def merge(self, other: LatencyHistogram) -> None:
        """Add all counts of `other`. This is exact; an average of percentiles would be meaningless."""
        self._counts.add(other._counts)

    def percentile(self, percent: float) -> float:
        """Return the latency in milliseconds that `percent` of the values do not exceed; 0 if there are none."""
        return self._percentiles([percent])[0]

    def _percentiles(self, percents: Sequence[float]) -> list[float]:
        """Return what hdrh's get_value_at_percentile does, which visits up to 65,000 buckets in Python for each."""
        if not self.count:
            return [0.0] * len(percents)
        up_to = np.cumsum(np.ctypeslib.as_array(self._counts.counts))
        targets = [self._counts.get_target_count_at_percentile(percent) for percent in percents]
        buckets = [self._counts.get_value_from_index(int(index)) for index in np.searchsorted(up_to, targets)]
        return [float(self._counts.get_highest_equivalent_value(bucket)) / 1000 for bucket in buckets]

    def summary(self) -> dict[str, float]:
        """Return count, p50, p95, p99, max and mean in milliseconds."""
        if not self.count:
            return {"count": 0, "p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0, "mean": 0.0}
        figures: dict[str, float] = {"count": self.count}
        figures |= zip(REPORTED_PERCENTILES, self._percentiles([*REPORTED_PERCENTILES.values()]), strict=True)
        figures["max"] = float(self._counts.get_max_value()) / 1000
        figures["mean"] = round(self._mean_us() / 1000, 3)
        return figures

    def _mean_us(self) -> float:
        """Return what hdrh's get_mean_value does, which visits each of 65,000 buckets in Python, full or not."""
        total = 0
        for index in np.flatnonzero(np.ctypeslib.as_array(self._counts.counts)):
            value = self._counts.get_value_from_index(int(index))
            size = self._counts.get_highest_equivalent_value(value) - value + 1
            total += self._counts.counts[index] * (value + size // 2)
        return total / self.count

    def curve(self, points_per_halving: int = 5) -> list[tuple[float, float]]:
        """Return (percentile, latency in ms) pairs for a plot whose axis gives each further nine the same room."""
        percents, beyond = [], 100.0
        while beyond * self.count >= 100:  # at least one value is slower
            percents += [100 - beyond * (1 - step / 2 / points_per_halving) for step in range(points_per_halving)]
            beyond /= 2
        return list(zip([*percents, 100.0], self._percentiles([*percents, 100.0]), strict=True))

    def encode(self) -> str:
        """Return the compressed histogram as text (HDR V2 format, which tools in other languages read too)."""
        return str(self._counts.encode().decode("ascii"))

    @classmethod
    def decode(cls, text: str) -> LatencyHistogram:
        """Return the histogram that `encode` wrote. Raises hdrh's HdrCookieException for anything else."""
        histogram = cls()
        histogram._counts.decode_and_add(text.encode("ascii"))
        return histogram
