"""Spike: five times the rate for half a minute, and how long a shop needs to be as fast as before.

Question: When five times as many customers come at once for 30 s, how many requests are lost, and how long after the
crowd has left does each build answer again as before? What do a rate limit at the edge and two more replicas of the hot
part, standing by, change?

Hypothesis: Where five times the usual is more than a build takes on its cores, requests are lost, and it is back
within some seconds, since what is too late is given up. The rate limit turns waits into quick refusals and shortens the
way back; replicas standing by add nothing where the cores are the limit.

Load: Open arrivals (Poisson) of the mix `shopping` at 40/s (`--set rate=60` for a rate of your own), five times that
from second 8 to second 38, and the usual rate for 20 s more. Each build plain, behind its edge's rate limit, and with
three replicas of the part that a crowd meets first (`web`; `catalog`).

What is held equal: Cores, products, seeds, and so the very requests; fresh data before each run. The rate limit is the
edge's own, which is off in all other experiments: 50 requests a second, so that it lets the usual rate pass and a
quarter of the crowd.

How to read it: Lost is what was not answered as asked: refused, failed, or never sent since too many requests were
open. A shop is back at the first second after the crowd from which on, for 3 s, 95 % are answered within 250 ms and at
most 1 % fail. One run of each, so differences of a few percent or a second say nothing; how a build does beside itself
is told by the two runs of each plain build.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.engine.arm import BUILDS, Arm, arms_up
from loadtests.engine.study import Study, whole_number
from loadtests.engine.trial import Load, run_trial
from loadtests.load.generator.record import FAILED, Row
from loadtests.measure.latency import LatencyHistogram
from loadtests.report.plot import Figure, axes, band, figure, line, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, percent, sentence_of_list

TIMES = 5
MIX = "shopping"
RATE = 40  # below the edge's rate limit
HOT = {"monolith": "web", "microservices": "catalog"}
REPLICAS = 3
BOUND_MS, MAX_ERROR_SHARE, CALM_S = 250.0, 0.01, 3


@dataclass(frozen=True)
class Form:
    """Seconds at the usual rate, of the crowd, and at the usual rate again."""

    before_s: int
    crowd_s: int
    after_s: int

    def profile(self, rate: float) -> str:
        """The rate over time, as the generator reads it."""
        return f"{rate:g}x{self.before_s},{TIMES * rate:g}x{self.crowd_s},{rate:g}x{self.after_s}"


FULL, QUICK = Form(8, 30, 20), Form(2, 4, 5)


@contextlib.contextmanager
def plain(_: Arm) -> Iterator[None]:
    """Nothing is changed."""
    yield


@contextlib.contextmanager
def rate_limited(arm: Arm) -> Iterator[None]:
    """Have the edge's rate limit on."""
    arm.runner.rate_limit(on=True)
    try:
        yield
    finally:
        arm.runner.rate_limit(on=False)


@contextlib.contextmanager
def standing_by(arm: Arm) -> Iterator[None]:
    """Have three replicas of the hot part."""
    arm.runner.scale(HOT[arm.name], REPLICAS)
    try:
        yield
    finally:
        arm.runner.scale(HOT[arm.name], 1)


WAYS: Mapping[str, Callable[[Arm], contextlib.AbstractContextManager[None]]] = {
    "plain": plain, "rate limit": rate_limited, f"{REPLICAS} replicas": standing_by, "plain once more": plain,
}  # fmt: skip


def run(study: Study) -> Result:
    """Send the same crowd to both builds in each way."""
    form, ways = (QUICK, list(WAYS)[:2]) if study.quick else (FULL, list(WAYS))
    spikes: list[dict[str, object]] = []
    rate = float(whole_number(study, "rate", RATE, 1))
    study.progress.plan(len(BUILDS) * len(ways))
    with arms_up([spec.name for spec in BUILDS], study.budget, keep=False) as arms:
        for way in ways:
            for arm in arms.values():
                load = Load(rate, form.before_s + form.crowd_s + form.after_s, 2.0, MIX, form.profile(rate))
                with WAYS[way](arm):
                    trial = run_trial(
                        study, arm, load, pair=1, seed=study.seed, before_books=partial(_without_limit, arm)
                    )
                # At such a rate a generator may be late: that is told, and the run is about what was lost.
                one = spike_of(trial.rows(), trial.measured.summary["not_sent"], form)
                spikes.append({"build": arm.name, "way": way, "rate": rate, **one})
                trial.run["factors"] = {"way": way}
    return study.result(
        answer=answer(spikes), comparison={}, findings={},
        details={"spikes": spikes, "crowd": [form.before_s, form.before_s + form.crowd_s]},
    )  # fmt: skip


def _without_limit(arm: Arm, _: Path) -> None:
    """Switch the rate limit off for those who check the books, and ask for much at once."""
    arm.runner.rate_limit(on=False)


def spike_of(rows: Sequence[Row], not_sent: int, form: Form) -> dict[str, object]:
    """Return what was lost of the crowd, when the shop was back (s after it; None: not at all), and p95 by second."""
    until_s = form.before_s + form.crowd_s
    seconds: list[list[Row]] = [[] for _ in range(until_s + form.after_s)]
    for row in rows:
        if 0 <= row.due_s < len(seconds):
            seconds[int(row.due_s)].append(row)
    crowd = [row for second in seconds[form.before_s : until_s] for row in second]
    failed = sum(row.outcome in FAILED for row in crowd)
    good = [_is_good(second) for second in seconds]
    back = next((at - until_s for at in range(until_s, len(good) - CALM_S + 1) if all(good[at : at + CALM_S])), None)
    after = [row for second in seconds[until_s:] for row in second]
    return {
        "asked": len(crowd) + not_sent,
        "lost": failed + not_sent,
        "refused": sum(row.status == 429 for row in crowd),
        "not_sent": not_sent,
        "lost_afterwards": sum(row.outcome in FAILED for row in after),
        "back_after_s": back,
        "p95_ms": [_p95(second) for second in seconds],
    }


def _is_good(second: Sequence[Row]) -> bool:
    p95, failed = _p95(second), sum(row.outcome in FAILED for row in second)
    return p95 is not None and p95 <= BOUND_MS and failed <= MAX_ERROR_SHARE * len(second)


def _p95(second: Sequence[Row]) -> float | None:
    return LatencyHistogram.of([row.latency_ms for row in second]).percentile(95) if second else None


def answer(spikes: Sequence[Mapping[str, object]]) -> list[str]:
    """Return a sentence for each build."""
    said = []
    for build in dict.fromkeys(str(one["build"]) for one in spikes):
        ways = [
            f"{one['way']}: {percent(int(str(one['lost'])) / max(1, int(str(one['asked']))))} lost, back "
            + (f"after {one['back_after_s']} s" if one["back_after_s"] is not None else "not before the end")
            for one in spikes
            if one["build"] == build
        ]
        said.append(f"{build_name(build)}, {TIMES} times the rate: {sentence_of_list(ways)}.")
    return said


def waits(result: Result) -> Figure | None:
    """p95 second by second, with the crowd marked; a view for each way."""
    spikes: list[dict[str, Any]] | None = detail(result, "spikes")
    if not spikes:
        return None
    crowd = detail(result, "crowd")
    views = []
    for way in dict.fromkeys(str(one["way"]) for one in spikes):
        data = [
            line(build_name(str(one["build"])), list(range(len(one["p95_ms"]))), one["p95_ms"], str(one["build"]))
            for one in spikes
            if str(one["way"]) == way
        ]
        views.append(view(way, data, axes("seconds", "milliseconds", log_y=True, shapes=[band(*crowd)])))
    reading = f"p95 of what was due in each second; in the band {TIMES} times as many customers come."
    return figure("waits", "How long customers wait, before, in and after the crowd", reading, views, 420)


PLOTS = (waits,)
