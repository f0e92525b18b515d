"""The arrival rate over time, and the moments at which requests are due."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Arrivals = Literal["poisson", "constant"]
ARRIVALS: tuple[Arrivals, ...] = ("poisson", "constant")
Floats = NDArray[np.float64]

_NUMBER = r"\d+(?:\.\d+)?"
_SEGMENT = re.compile(rf"^({_NUMBER})(?:-({_NUMBER}))?x({_NUMBER})$")
MAX_ARRIVALS = 20_000_000


class BadProfile(ValueError):
    """A rate profile that cannot be read, or that schedules nothing or too much."""


@dataclass(frozen=True)
class Segment:
    """A stretch of time in which the rate goes in a straight line `from_rate` to `to_rate`, in arrivals/s."""

    from_rate: float
    to_rate: float
    duration_s: float

    @property
    def arrivals(self) -> float:
        """How many arrivals are expected in this segment."""
        return (self.from_rate + self.to_rate) / 2 * self.duration_s


@dataclass(frozen=True)
class Profile:
    """The rate over time, in one or more segments. Steps, ramps and spikes are all lists of segments."""

    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if self.expected < 1 or self.expected > MAX_ARRIVALS:
            raise BadProfile(f"this profile expects {self.expected:.1f} arrivals; 1 to {MAX_ARRIVALS} are possible")

    @property
    def duration_s(self) -> float:
        """Length of the profile in seconds."""
        return sum(segment.duration_s for segment in self.segments)

    @property
    def expected(self) -> float:
        """Expected number of arrivals."""
        return sum(segment.arrivals for segment in self.segments)

    @property
    def mean_rate(self) -> float:
        """Mean rate in arrivals/s."""
        return self.expected / self.duration_s

    def warmed(self, warm_up_s: float) -> Profile:
        """Return this profile with `warm_up_s` seconds at its first rate in front."""
        if warm_up_s <= 0:
            return self
        first = self.segments[0].from_rate or self.segments[0].to_rate
        return Profile((Segment(first, first, warm_up_s), *self.segments))

    def __str__(self) -> str:
        return ",".join(
            f"{s.from_rate:.12g}x{s.duration_s:.12g}"
            if s.from_rate == s.to_rate
            else f"{s.from_rate:.12g}-{s.to_rate:.12g}x{s.duration_s:.12g}"
            for s in self.segments
        )


def constant(rate: float, duration_s: float) -> Profile:
    """Return one rate for the whole time."""
    return Profile((Segment(rate, rate, duration_s),))


def steps(rates: list[float], each_s: float) -> Profile:
    """Return one rate after the other, each for `each_s` seconds."""
    return Profile(tuple(Segment(rate, rate, each_s) for rate in rates))


def ramp(from_rate: float, to_rate: float, duration_s: float) -> Profile:
    """Return a rate that grows (or falls) in a straight line."""
    return Profile((Segment(from_rate, to_rate, duration_s),))


def spike(rate: float, peak: float, *, at_s: float, for_s: float, duration_s: float) -> Profile:
    """Return `rate` with a peak from `at_s` on that lasts `for_s` seconds."""
    after_s = duration_s - at_s - for_s
    if at_s <= 0 or after_s <= 0:
        raise BadProfile("a spike needs time before and after it")
    return Profile((Segment(rate, rate, at_s), Segment(peak, peak, for_s), Segment(rate, rate, after_s)))


def trace(path: Path) -> Profile:
    """Return the profile in a CSV of `second,rate`: each rate holds from its second to the next row's.

    The last row only says when the trace ends (its rate is not used). Raises BadProfile.
    """
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].lstrip().startswith("#")]
    if rows and rows[0][0].strip() == "second":
        rows = rows[1:]
    try:
        points = [(float(second), float(rate)) for second, rate in rows]
    except ValueError as error:
        raise BadProfile(f"{path}: each row is `second,rate`: {error}") from error
    if len(points) < 2 or any(b[0] <= a[0] for a, b in pairwise(points)) or any(rate < 0 for _, rate in points):
        raise BadProfile(f"{path}: needs at least two rows, seconds that grow and rates of 0 or more")
    return Profile(tuple(Segment(a[1], a[1], b[0] - a[0]) for a, b in pairwise(points)))


def parse(text: str) -> Profile:
    """Read `trace:FILE`, or segments `RATExSECONDS` and `FROM-TOxSECONDS` with commas between them.

    `50x20,500x5,50x20` is a spike, `10-200x60` a ramp, `50x10,100x10,200x10` steps. Raises BadProfile.
    """
    if text.startswith("trace:"):
        return trace(Path(text.removeprefix("trace:")))
    segments = []
    for part in text.split(","):
        match = _SEGMENT.match(part.strip())
        if match is None:
            raise BadProfile(f"{part!r} is neither RATExSECONDS nor FROM-TOxSECONDS nor trace:FILE")
        from_rate, to_rate, duration_s = match.groups()
        segments.append(Segment(float(from_rate), float(to_rate or from_rate), float(duration_s)))
    return Profile(tuple(segments))


def due_times(profile: Profile, arrivals: Arrivals, seed: int) -> Floats:
    """Return the moments (seconds from the start, ascending) at which requests are due.

    A Poisson process of rate 1 is stretched by the inverse of the cumulative rate, which is exact for a rate
    that changes (Cinlar, Introduction to Stochastic Processes, 1975, section 4.7). The same seed gives the same
    moments.
    """
    total = profile.expected
    if arrivals == "constant":
        work = np.arange(int(total), dtype=np.float64) + 0.5
    else:
        rng = np.random.default_rng(seed)
        # Ten standard deviations more than expected: too few is practically impossible, and checked.
        work = np.cumsum(rng.exponential(size=int(total + 10 * np.sqrt(total) + 50)))
        if work[-1] < total:
            raise BadProfile("the schedule came out too short; choose another seed")
    return _when(profile, work[work < total])


def _when(profile: Profile, work: Floats) -> Floats:
    """Return when the cumulative rate reaches each value of `work` (ascending)."""
    moments = []
    start_s, before = 0.0, 0.0
    for segment in profile.segments:
        within = work[(work >= before) & (work < before + segment.arrivals)] - before
        slope = (segment.to_rate - segment.from_rate) / segment.duration_s
        # Solve from_rate * t + slope / 2 * t^2 = within, in the form that does not divide by a zero slope.
        root = np.sqrt(segment.from_rate**2 + 2 * slope * within)
        moments.append(start_s + 2 * within / (segment.from_rate + root))
        start_s += segment.duration_s
        before += segment.arrivals
    return np.concatenate(moments)
