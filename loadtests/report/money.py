"""What a million orders cost each build: CPU-hours, GB-hours, and money at prices that the reader states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.report import summary
from loadtests.report.result import Result
from loadtests.report.words import build_name, number

MILLION, S_PER_HOUR = 1_000_000, 3600
OPTIONS = ("price_cpu_hour", "price_gb_hour")  # of a result: of an hour of a core, and of a GB of memory


class BadPrice(ValueError):
    """A price is no number, or one of the two is missing."""


@dataclass(frozen=True)
class Million:
    """Of a million orders. GB-hours are at the rate and with the memory that were measured; None: they were not."""

    build: str
    unit: str
    cpu_hours: float
    gb_hours: float | None
    orders_per_s: float


def prices(options: Mapping[str, str]) -> tuple[float, float] | None:
    """Return what was said of an hour of a core, and of a GB; None if nothing was. Raises BadPrice."""
    texts = [options.get(name) for name in OPTIONS]
    if texts == [None, None]:
        return None
    try:
        cpu, memory = (float(price or "") for price in texts)
    except ValueError as error:
        raise BadPrice(f"want both prices as numbers, {' and '.join(OPTIONS)}, such as 0.04 and 0.005") from error
    if not 0 <= cpu < float("inf") or not 0 <= memory < float("inf"):
        raise BadPrice("a price is not below 0")
    return cpu, memory


def of_a_million(result: Result) -> list[Million]:
    """Return it for each build that confirmed orders, browsing included where that was sent, too."""
    memory = {arm.build: arm.memory_mb for arm in summary.arms(result) if arm.memory_mb}
    millions = []
    for arm in summary.arms(result):
        orders = sum(run["orders_confirmed"] for run in arm.runs)
        took_s = sum(run.get("duration_s", 0.0) for run in arm.runs)
        if arm.unit not in ("mix", "order") or not arm.cpu_ms or not orders or not took_s:
            continue
        gb, rate = memory.get(arm.build), orders / took_s
        hours = MILLION / rate / S_PER_HOUR
        cpu_hours = arm.cpu_ms / 1000 * MILLION / S_PER_HOUR
        millions.append(Million(arm.build, arm.unit, cpu_hours, gb / 1000 * hours if gb else None, rate))
    return millions


def sentences(result: Result) -> list[str]:
    """Return a sentence for each build, with money where prices were stated. Raises BadPrice."""
    stated = prices(result.get("options", {}))
    lines = []
    for one in of_a_million(result):
        memory = "" if one.gb_hours is None else (
            f" and {number(one.gb_hours)} GB-hours at {number(one.orders_per_s)} orders/s"
        )  # fmt: skip
        money = ""
        if stated and one.gb_hours is not None:
            total = one.cpu_hours * stated[0] + one.gb_hours * stated[1]
            money = f": {total:,.2f} at {stated[0]:g} for an hour of a core and {stated[1]:g} for an hour of a GB"
        browsing = ", browsing included" if one.unit == "mix" else ""
        name = build_name(one.build)
        lines.append(f"A million orders, {name}{browsing}: {number(one.cpu_hours)} CPU-hours{memory}{money}.")
    return lines
