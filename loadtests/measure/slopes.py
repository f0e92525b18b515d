"""How fast a figure grows while a shop is under load, with an interval that knows that neighbours are alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
BLOCKS = 12
WEEK_S = 7 * 24 * 3600.0
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Slope:
    """A straight line through a series: growth in units a second with its 95 % interval, and where it ends."""

    per_s: float
    low: float
    high: float
    at_end: float

    @property
    def doubles(self) -> str:
        """Whether the figure is twice what it is within a week, at this slope: yes, no, or cannot be told."""
        if self.low * WEEK_S > self.at_end:
            return "yes"
        return "no" if self.high * WEEK_S < self.at_end else "not shown"

    def as_dict(self) -> dict[str, object]:
        """Return it for a result, by the hour, and what it would come to in a week."""
        week = {name: self.at_end + value * WEEK_S for name, value in
                (("week", self.per_s), ("week_low", self.low), ("week_high", self.high))}  # fmt: skip
        hours = {f"{name}_per_h": value * 3600 for name, value in asdict(self).items() if name in ("low", "high")}
        return {"at_end": self.at_end, "per_h": self.per_s * 3600, **hours, **week, "doubles": self.doubles}


def slope_of(
    times_s: Sequence[float], values: Sequence[float], figure: Callable[[Floats], float] = lambda block: block.mean()
) -> Slope:
    """Fit a line to `figure` of each of twelve equal blocks of time. Raises ValueError for fewer than three blocks.

    Blocks that are still alike count for fewer: of n with a lag-1 correlation r of what is left, n (1 - r) / (1 + r)
    are independent, in the error and in the degrees of freedom (Santer et al., "Statistical significance of trends and
    trend differences in layer-average atmospheric temperature time series", J. Geophys. Res. 105, 2000).
    """
    moments, series = np.asarray(times_s, np.float64), np.asarray(values, np.float64)
    borders = np.linspace(moments.min(), moments.max(), BLOCKS + 1)
    which = np.clip(np.searchsorted(borders, moments, side="right") - 1, 0, BLOCKS - 1)
    blocks = [which == number for number in range(BLOCKS) if np.any(which == number)]
    if len(blocks) < 3:
        raise ValueError(f"{len(blocks)} blocks of time make no slope")
    x = np.array([moments[block].mean() for block in blocks])
    y = np.array([figure(series[block]) for block in blocks])
    from_middle = x - x.mean()
    per_s = float(from_middle @ y / (from_middle @ from_middle))
    residuals = y - y.mean() - per_s * from_middle
    in_all = float(residuals @ residuals)
    alike = max(0.0, float(residuals[1:] @ residuals[:-1]) / in_all) if in_all > 0 else 0.0
    independent = max(3.0, len(x) * (1 - alike) / (1 + alike))
    error = np.sqrt(in_all / (independent - 2) / (from_middle @ from_middle))
    reach = float(stdtrit(independent - 2, (1 + CONFIDENCE) / 2) * error)
    return Slope(per_s, per_s - reach, per_s + reach, float(y.mean() + per_s * from_middle[-1]))
