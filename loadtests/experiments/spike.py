"""Spike: five times the rate for half a minute, and how long a shop needs to be as fast as before.

Question: When five times as many customers come at once for 30 s, how many requests are lost, and how long after the
crowd has left does each build answer again as before? What do a rate limit at the edge and two more replicas of the hot
part, standing by, change?

Hypothesis: Where five times the usual is more than a build takes on its cores, requests are lost, and it is back
within some seconds, since what is too late is given up. The rate limit turns waits into quick refusals and shortens the
way back; replicas standing by add nothing where the cores are the limit.

Load: Open arrivals (Poisson) of the mix `ordering`, in which every other request is an order, at 40/s (`--set rate=60`,
`--set mix=market`), five times that from second 8 to second 38, and the usual rate for 20 s more. Each build plain,
behind its edge's rate limit, with three replicas of the part that a crowd of buyers meets first (`web`; `orders`), and
plain once more.

What is held equal: Cores, products, seeds, and so the very requests; fresh data before each run. The rate limit is the
edge's own, which is off in all other experiments: 50 requests a second, so that it lets the usual rate pass and a
quarter of the crowd.

How to read it: Lost is what was not answered as asked: refused, failed, or never sent since too many requests were
open. A limit refuses what a build may well have taken, so read it beside the plain runs; where these lose nothing the
crowd was too small for this machine, and the notes say so. A shop is back at the first second after the crowd from
which on, for 3 s, 95 % are answered within 250 ms and at most 1 % fail. One run of each, so differences of a few
percent or a second say nothing; how a build does beside itself is told by the two runs of each plain build.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.engine.arm import BUILDS, Arm, arms_up
from loadtests.engine.study import Study, chosen_mix, whole_number
from loadtests.engine.trial import Load, run_trial
from loadtests.load.generator.record import FAILED, Row
from loadtests.measure.latency import LatencyHistogram
from loadtests.report.plot import Figure, axes, band, bars, figure, line, rows_down, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, percent, sentence_of_list

TIMES, RATE = 5, 40  # RATE is below the edge's rate limit
HOT = {"monolith": "web", "microservices": "orders"}
BOUND_MS, MAX_ERROR_SHARE, CALM_S = 250.0, 0.01, 3
PLAIN, LIMIT, REPLICAS, AGAIN = DEFENCES = ("plain", "rate limit", "3 replicas", "plain once more")


@dataclass(frozen=True)
class Form:
    """Seconds at the usual rate, of the crowd, and at the usual rate again."""

    before_s: int
    crowd_s: int
    after_s: int

    def load(self, rate: float, mix: str) -> Load:
        """Return the rate over time, as a load."""
        profile = f"{rate:g}x{self.before_s},{TIMES * rate:g}x{self.crowd_s},{rate:g}x{self.after_s}"
        return Load(rate, self.before_s + self.crowd_s + self.after_s, 2.0, mix, profile)


FULL, QUICK = Form(8, 30, 20), Form(2, 3, 4)


@contextlib.contextmanager
def defended(arm: Arm, defence: str) -> Iterator[None]:
    """Have the edge's rate limit on, or three replicas of the hot part."""
    replicas = 3 if defence == REPLICAS else 1
    try:
        if replicas > 1:
            arm.runner.scale(HOT[arm.name], replicas)
        arm.runner.rate_limit(on=defence == LIMIT)
        yield
    finally:
        arm.runner.rate_limit(on=False)
        if replicas > 1:
            arm.runner.scale(HOT[arm.name], 1)


def run(study: Study) -> Result:
    """Send the same crowd to both builds, with each defence."""
    form, defences = (QUICK, DEFENCES[:2]) if study.quick else (FULL, DEFENCES)
    load = form.load(whole_number(study, "rate", RATE, 1), chosen_mix(study, "ordering"))
    spikes: list[dict[str, Any]] = []
    study.progress.plan(len(BUILDS) * len(defences))
    with arms_up([spec.name for spec in BUILDS], study.budget, keep=False) as arms:
        for defence in defences:
            for arm in arms.values():

                def lift(_: Path, arm: Arm = arm) -> None:
                    arm.runner.rate_limit(on=False)  # who checks the books asks for much at once

                with defended(arm, defence):
                    trial = run_trial(study, arm, load, pair=1, seed=study.seed, before_books=lift)
                # At such a rate a generator may be late: that is told, and the run is about what was lost.
                crowd = spike_of(trial.rows(), trial.measured.summary["not_sent"], form)
                spikes.append({"build": arm.name, "defence": defence, "rate": load.rate, **crowd})
                trial.run["factors"] = {"defence": defence}
    unharmed = [build_name(one["build"]) for one in spikes if one["defence"] == PLAIN and not one["lost"]]
    if unharmed:
        study.notes.append(f"{sentence_of_list(unharmed)} took all of the crowd: a higher --set rate=... shows more.")
    return study.result(
        answer=answer(spikes), comparison={}, findings={},
        details={"spikes": spikes, "crowd": [form.before_s, form.before_s + form.crowd_s]},
    )  # fmt: skip


def spike_of(rows: Sequence[Row], not_sent: int, form: Form) -> dict[str, Any]:
    """Return what was lost of the crowd, when the shop was back (s after it; None: not at all), and p95 by second."""
    until_s = form.before_s + form.crowd_s
    seconds: list[list[Row]] = [[] for _ in range(until_s + form.after_s)]
    for row in rows:
        if 0 <= row.due_s < len(seconds):
            seconds[int(row.due_s)].append(row)
    crowd = [row for second in seconds[form.before_s : until_s] for row in second]
    good = [_is_good(second) for second in seconds]
    refused, failed = sum(row.status == 429 for row in crowd), sum(row.outcome in FAILED for row in crowd)
    back = next((at - until_s for at in range(until_s, len(good) - CALM_S + 1) if all(good[at : at + CALM_S])), None)
    return {
        "asked": len(crowd) + not_sent, "lost": failed + not_sent, "refused": refused, "failed": failed - refused,
        "not_sent": not_sent,
        "lost_afterwards": sum(row.outcome in FAILED for second in seconds[until_s:] for row in second),
        "back_after_s": back, "p95_ms": [_p95(second) for second in seconds],
    }  # fmt: skip


def _is_good(second: Sequence[Row]) -> bool:
    p95, failed = _p95(second), sum(row.outcome in FAILED for row in second)
    return p95 is not None and p95 <= BOUND_MS and failed <= MAX_ERROR_SHARE * len(second)


def _p95(second: Sequence[Row]) -> float | None:
    return LatencyHistogram.of([row.latency_ms for row in second]).percentile(95) if second else None


def answer(spikes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each build."""
    by_build: dict[str, list[str]] = {}
    for one in spikes:
        back = one["back_after_s"]
        by_build.setdefault(one["build"], []).append(
            f"{one['defence']}: {percent(one['lost'] / max(1, one['asked']))} lost, back "
            + (f"after {back} s" if back is not None else "not before the end")
        )
    return [
        f"{build_name(build)}, {TIMES} times the rate: {sentence_of_list(parts)}." for build, parts in by_build.items()
    ]


def waits(result: Result) -> Figure | None:
    """p95 second by second, with the crowd marked; a view for each defence."""
    spikes: list[dict[str, Any]] = detail(result, "spikes") or []
    views = [
        view(
            defence,
            [line(build_name(one["build"]), range(len(one["p95_ms"])), one["p95_ms"], one["build"])
             for one in spikes if one["defence"] == defence],
            axes("seconds", "milliseconds", log_y=True, shapes=[band(*detail(result, "crowd"))]),
        )
        for defence in dict.fromkeys(one["defence"] for one in spikes)
    ]  # fmt: skip
    reading = f"p95 of what was due in each second; in the band {TIMES} times as many customers come."
    return figure("waits", "How long customers wait, before, in and after the crowd", reading, views) if views else None


def losses(result: Result) -> Figure | None:
    """What became of the part of the crowd that was lost."""
    spikes: list[dict[str, Any]] = detail(result, "spikes") or []
    names = [f"{build_name(one['build'])}, {one['defence']}" for one in spikes]
    data = [
        bars(
            fate.replace("_", " "), names, [100 * one[fate] / max(1, one["asked"]) for one in spikes], shade, lying=True
        )
        for fate, shade in (("refused", "warn"), ("failed", "bad"), ("not_sent", "dim"))
    ]
    reading = "Of all that was due while the crowd was there: refused by the rate limit (429), failed, or never sent."
    views = [view("", data, rows_down("% of the crowd", barmode="stack", x__range=[0, 100]))]
    return figure("losses", "What is lost of the crowd", reading, views) if spikes else None


PLOTS = (waits, losses)
