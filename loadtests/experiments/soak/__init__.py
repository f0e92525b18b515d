"""Soak: what grows in a shop that is bought from for twenty minutes, and what that comes to in a week.

Question: At half of what a build takes, for 20 minutes: do the memory of any part, tables, indexes, files or latency
grow, how fast, and what would they be in a week? What is kept for good, for 1,000 orders?

Hypothesis: No part's memory grows at a rate that would double it in a week; latency stays as it is. Tables grow by what
orders leave for good, alike in both builds, and by keys and ids of events until these are forgotten.

Load: Open arrivals (Poisson) of the mix `market`, in which prices and stock change while people buy
(`--set mix=shopping`), at half of what a ramp shows that the build takes (`--set rate=60`, the same for both), for 20
minutes each (`--set minutes=60`). The quick form sends 30/s for 20 s.

What is held equal: Cores, products, mix, seed, length; the builds run one after the other, each with fresh data. What
is sent differs with what each takes; so growth is told for 1,000 orders, and slopes beside the rate.

How to read it: The first third is left out: caches, pools and buffers fill. The rest is cut into twelve blocks of time,
and a line is fitted to their means (of latency: their medians and p95); the 95 % interval is widened where neighbouring
blocks are alike. A week at that slope is an extrapolation, not a forecast: caches that still fill look like a leak in
a short run, so believe a 'yes' of the full form, and repeat it with more minutes. 'Yes' and 'no' in 'doubles' say that
the whole interval does; else it is not shown. Memory is without PostgreSQL's shared buffers, whose size is set. Bloat
is what a table and its indexes, written anew at the end, take less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from loadtests.engine.arm import BUILDS, Arm, arms_up
from loadtests.engine.generator import Beside
from loadtests.engine.probe import probed
from loadtests.engine.study import Study, chosen_mix, whole_number
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments.soak import plots
from loadtests.measure import footprint
from loadtests.measure.footprint import FOR_GOOD, Footprint
from loadtests.measure.slopes import slope_of
from loadtests.report.result import Ratio, Result
from loadtests.report.words import build_name, number, sentence_of_list

PLOTS = (plots.memory_over_time, plots.slopes, plots.tables)
MINUTES, QUICK_S, QUICK_RATE = 20, 24.0, 30
LEFT_OUT = 1 / 3
LOOKS, LOOK_EVERY_S = 120, 1.0  # so many, or as often as this
WAITS = {"p50": 50, "p95": 95}
WIDEST = 1e6  # a ratio's interval has to end somewhere


def run(study: Study) -> Result:
    """Load one build after the other, and follow what it takes up."""
    mix = chosen_mix(study, "market")
    is_short = study.quick and "minutes" not in study.options
    lasts_s = QUICK_S if is_short else 60.0 * whole_number(study, "minutes", MINUTES, 1)
    slopes: list[dict[str, Any]] = []
    grown: list[dict[str, Any]] = []
    memory: dict[str, dict[str, Any]] = {}
    study.progress.plan(len(BUILDS))
    with arms_up([spec.name for spec in BUILDS], study.budget, keep=False) as arms:
        for arm in arms.values():
            rate = float(whole_number(study, "rate", QUICK_RATE if study.quick else 0, 0))
            load = Load(rate or probed(study, arm, mix) / 2, (1 - LEFT_OUT) * lasts_s, LEFT_OUT * lasts_s, mix)
            outcome = _soak(study, arm, load)
            slopes += [{"build": arm.name, **row} for row in outcome["slopes"]]
            grown += [{"build": arm.name, **row} for row in outcome["tables"]]
            memory[arm.name] = outcome["memory"]
    return study.result(
        answer=answer(slopes, grown), comparison=compare(slopes), findings={},
        details={"soak": slopes, "tables": grown, "memory": memory},
    )  # fmt: skip


def _soak(study: Study, arm: Arm, load: Load) -> dict[str, Any]:
    """Load an arm once; return its slopes, its tables, and its memory as curves. The warm-up is not looked at."""
    usage, before = Footprint(), dict[str, footprint.Table]()
    every_s = max(LOOK_EVERY_S, load.duration_s / LOOKS)

    def follow(beside: Beside) -> None:
        before.update(footprint.tables(arm.parties.databases))
        while beside.wait_until(len(usage.times_s) * every_s):
            usage.look(arm.runner, beside.now_s)

    trial = run_trial(study, arm, load, pair=1, seed=study.seed, meanwhile=follow)
    after = footprint.tables(arm.parties.databases)
    anew = footprint.rewritten(arm.parties.databases)
    orders = max(1, next(now.rows - before[name].rows for name, now in after.items() if name.endswith(".orders")))
    slopes = [
        {"kind": kind, "what": part, "unit": "MB", **slope_of(usage.times_s, series).as_dict()}
        for kind, by_part in usage.series.items()
        for part, series in by_part.items()
    ]
    rows = [row for row in trial.rows() if row.due_s >= 0]
    for name, percentile in WAITS.items():
        waits = slope_of(
            [row.due_s for row in rows], [row.latency_ms for row in rows],
            lambda block: float(np.percentile(block, percentile)),  # noqa: B023  (called at once)
        )  # fmt: skip
        slopes.append({"kind": "latency", "what": name, "unit": "ms", **waits.as_dict()})
    tables = footprint.growth(before, after, orders)
    for row in tables:
        now, then = anew[str(row["table"])], after[str(row["table"])]
        row |= {"bytes_now": then.table + then.indexes, "rewritten": asdict(now)}
    return {"slopes": slopes, "tables": tables, "memory": {"seconds": usage.times_s, "mb": usage.series["memory"]}}


def compare(slopes: Sequence[Mapping[str, Any]]) -> dict[str, Ratio]:
    """Return, for each build, the part whose memory would grow most in a week, over what it is; twice is the bound."""
    figures: dict[str, Ratio] = {}
    for build in dict.fromkeys(row["build"] for row in slopes):
        parts = [row for row in slopes if row["build"] == build and row["kind"] == "memory"]
        most = max(parts, key=lambda row: row["week_low"] / row["at_end"])
        low, middle, high = (most[name] / most["at_end"] for name in ("week_low", "week", "week_high"))
        figures[f"memory_{build}_in_a_week"] = {
            "ratio": min(WIDEST, max(1 / WIDEST, middle)), "low": min(WIDEST, max(0.0, low)),
            "high": min(WIDEST, max(1 / WIDEST, high)), "a": build, "b": "in a week",
            "what": f"memory of {most['what']}, {build_name(build)}", "target": 2.0, "verdict": "withheld",
        }  # fmt: skip
    return figures


def answer(slopes: Sequence[Mapping[str, Any]], grown: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence about memory in each build, and one about what is kept for good."""
    sentences, sizes = [], []
    for build in dict.fromkeys(row["build"] for row in slopes):
        parts = [row for row in slopes if row["build"] == build and row["kind"] == "memory"]
        doubling = [f"the memory of {row['what']}" for row in parts if row["doubles"] == "yes"]
        unknown = sum(row["doubles"] == "not shown" for row in parts)
        sentences.append(
            f"{build_name(build)}: {sentence_of_list(doubling) or 'the memory of no part'} would double in a week; of "
            f"{unknown} of {len(parts)} parts it cannot be told."
        )
        size = sum(row["bytes"] for row in grown if row["build"] == build and row["kept"] == FOR_GOOD)
        sizes.append(f"{number(size / 1e6)} MB ({build_name(build)})")
    return [*sentences, f"1,000 orders leave for good, with indexes: {sentence_of_list(sizes)}."]
