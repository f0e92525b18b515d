"""From the runs of the growth experiment to ratios, the answer and the plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.engine.arm import BUILDS
from loadtests.report.plot import Figure, bars, figure, rows_down, upright, view
from loadtests.report.result import Ratio, Result, Run, detail
from loadtests.report.words import build_name, number, sentence_of_list

PLACING, CPU = "placing an order", "CPU of an order"
REFUSAL = "refusal"  # asks no database: what else the machine does meanwhile shows in it alone
BOUND, PLACING_BOUND = 3.0, 1.3
Row = Mapping[str, Any]  # a figure over that at the smallest size


def ratios(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return every figure over that at the smallest size, with its bounds; `kind`, `factor` and `size` say of what."""
    rows: list[dict[str, Any]] = []
    smallest: dict[tuple[str, str], Run] = {}
    for one in runs:
        factors = one["factors"]
        factor, size = next(iter(factors.items()))
        first = smallest.setdefault((one["build"], factor), one)
        if first is one:
            continue
        medians, at_first = one["latency_ms_by_journey"], first["latency_ms_by_journey"]
        slower = medians[REFUSAL]["p50"] / at_first[REFUSAL]["p50"]
        for kind, latency in medians.items():
            if kind == REFUSAL:
                continue
            drift = 1.0 if kind == PLACING else slower
            base = at_first[kind]["p50"]
            rows.append(
                {
                    "build": one["build"], "kind": kind, "factor": factor, "size": size, "ms": latency["p50"],
                    "at_first_ms": base, "ratio": latency["p50"] / base / drift,
                    "low": factors["median_low_ms"][kind] / first["factors"]["median_high_ms"][kind] / drift,
                    "high": factors["median_high_ms"][kind] / first["factors"]["median_low_ms"][kind] / drift,
                }
            )  # fmt: skip
        cost, base_cost = one["cpu_ms_per_order"], first["cpu_ms_per_order"]
        if cost and base_cost:
            rows.append(
                {
                    "build": one["build"], "kind": CPU, "factor": factor, "size": size, "ms": cost,
                    "at_first_ms": base_cost, "ratio": cost / base_cost, "low": None, "high": None,
                }
            )  # fmt: skip
    return rows


def _at_largest(grown: Sequence[Row]) -> list[Row]:
    largest = {row["factor"]: row["size"] for row in grown}  # sizes grow
    return [row for row in grown if row["size"] == largest[row["factor"]]]


def compare(grown: Sequence[Row]) -> dict[str, Ratio]:
    """Return, at the largest sizes, what is promised: of placing an order, and of the page that grew most."""
    largest = _at_largest(grown)
    worst = {(row["build"], row["factor"]): row for row in sorted(_pages(largest), key=lambda row: row["ratio"])}
    figures: dict[str, Ratio] = {}
    for row in (*(row for row in largest if row["kind"] == PLACING), *worst.values()):
        is_order, build = row["kind"] == PLACING, row["build"]
        figures[f"{'order' if is_order else 'worst_page'}_{build}_{row['factor']}"] = {
            "ratio": row["ratio"], "low": row["low"], "high": row["high"], "a": build,
            "b": f"{row['size']:,} {row['factor']}", "what": f"{row['kind']}, {build_name(build)}",
            "target": PLACING_BOUND if is_order else BOUND, "verdict": "withheld",
        }  # fmt: skip
    return figures


def _pages(grown: Sequence[Row]) -> list[Row]:
    return [row for row in grown if row["kind"] not in (PLACING, CPU)]


def answer(grown: Sequence[Row]) -> list[str]:
    """Return a sentence for each build about pages, and one about orders."""
    largest = _at_largest(grown)
    sentences = []
    for build in dict.fromkeys(row["build"] for row in largest):
        pages = [row for row in _pages(largest) if row["build"] == build]
        over = sorted((row for row in pages if row["ratio"] > BOUND), key=lambda row: -row["ratio"])
        kinds = sentence_of_list([f"{row['kind']} ({number(row['ratio'])} times)" for row in over])
        rest = f", all but {kinds}" if over else ""
        sentences.append(
            f"{build_name(build)}: {len(pages) - len(over)} of {len(pages)} kinds of page take at most {BOUND:g} times "
            f"as long at the largest size as at the smallest{rest}."
        )
    orders = {(row["build"], row["factor"], row["kind"]): row for row in largest}
    costs = [
        f"{build_name(build)} {number(row['ratio'])} times "
        f"({number(orders[build, factor, CPU]['ratio'])} in CPU) at {row['size']:,} {factor}"
        for (build, factor, kind), row in orders.items()
        if kind == PLACING
    ]
    return [*sentences, f"Placing an order takes, in the median: {sentence_of_list(costs)}."]


def growth(result: Result) -> Figure | None:
    """How many times as long each kind of page takes, a view for each size."""
    grown: list[dict[str, Any]] | None = detail(result, "growth")
    if not grown:
        return None
    views = []
    for factor, size in dict.fromkeys((row["factor"], row["size"]) for row in grown):
        data = []
        for spec in BUILDS:
            mine = [row for row in grown if (row["factor"], row["size"], row["build"]) == (factor, size, spec.name)]
            data.append(
                bars(
                    build_name(spec.name), [row["kind"] for row in mine],
                    [row["ratio"] for row in mine], spec.name, lying=True,
                    text=[f"{row['ms']:.3g} ms" for row in mine], hover="%{y}: %{x:.2f} times",
                )
            )  # fmt: skip
        layout = rows_down("times what it takes at the smallest size", shapes=[upright(BOUND, "ink")])
        views.append(view(f"{size:,} {factor}", data, layout))
    reading = f"Median beside that at the smallest size; the upright line is {BOUND:g} times. On the bars: the median."
    return figure("growth", "What takes longer as data grow", reading, views, 760)
