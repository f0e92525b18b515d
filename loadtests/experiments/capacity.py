"""How much each build can take: the highest rate at which waits and errors stay within bounds.

Question: On the same cores, up to which arrival rate does each build keep its p99 under 250 ms and its errors under
0.1 %?

Hypothesis: On the same cores the monolith takes more: what the services spend on calls between them is missing for
orders.

Load: Open arrivals (Poisson) of the mixes `browsing`, `shopping` and `ordering` (`--set mix=shopping` for one), in runs
of 8 s after 3 s of warm-up. The rate grows by half until a run breaks a bound, then the gap is halved (by ratio) until
it is within 10 %, and the border is tested once more. The builds take turns. A run in which the generator was late is
void, unless the waits break the bound by more than the generator was ever late: then the rate has failed all the same.

What is held equal: Cores, products, bounds, and fresh data before each run.

How to read it: The curve shows every rate that was tried; the upright line is the highest rate that held twice. The
bounds of the ratio come from the gap between what held and what did not; they are no confidence interval, and one
search names no winner.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from loadtests.engine import journeys_core, probe
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.search import Search
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, Trial, run_trial
from loadtests.experiments import capacity_plots
from loadtests.load.generator.watch import LATE
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import build_name, number, sentence_of_list

PLOTS = capacity_plots.PLOTS

BUILDS = ("monolith", "microservices")
MIXES = ("browsing", "shopping", "ordering")
P99_MS = 250.0
ERROR_SHARE = 0.001
RUN = Load(rate=0.0, duration_s=8.0, warm_up_s=3.0)
QUICK_RUN = Load(rate=0.0, duration_s=4.0, warm_up_s=2.0)
START_SHARE = 0.6


def run(study: Study) -> Result:
    """Search the capacity of both builds for each mix, taking turns."""
    mixes = _mixes(study)
    curves: dict[str, dict[str, list[dict[str, float]]]] = {}
    searches: dict[tuple[str, str], Search] = {}
    with arms_up(BUILDS, study.budget, keep=False) as arms:
        study.narrator.tell(f"both behave the same: {journeys_core.prove(arms, study.folder / 'journeys.log')}")
        for mix in mixes:
            curves[mix] = {name: [] for name in BUILDS}
            for name, arm in arms.items():
                searches[mix, name] = Search(START_SHARE * probe.probed(study, arm, mix))
            while any(not searches[mix, name].done for name in BUILDS):
                for name, arm in arms.items():
                    if not searches[mix, name].done:
                        curves[mix][name] += _try(study, arm, mix, searches[mix, name])
    for points in (points for builds in curves.values() for points in builds.values()):
        points.sort(key=lambda point: point["rate"])
    knees = {
        mix: {
            name: held
            for name in BUILDS
            if searches[mix, name].found and (held := searches[mix, name].highest_held) is not None
        }
        for mix in mixes
    }
    study.notes += [
        f"The capacity of {name} for {mix} was not found: {search.tries} tries, {search.void} void runs."
        for (mix, name), search in searches.items()
        if not search.found
    ]
    comparison = compare(searches, mixes)
    return study.result(
        answer=answer(knees), comparison=comparison, findings={}, details={"curves": curves, "knees": knees}
    )


def _mixes(study: Study) -> tuple[str, ...]:
    chosen = study.options.get("mix")
    if chosen:
        return (chosen,)
    return ("shopping",) if study.quick else MIXES


def _try(study: Study, arm: Arm, mix: str, search: Search) -> list[dict[str, float]]:
    """Try the next rate, tell the search, and return a point of the curve; none of a void run, which proves nothing."""
    rate = search.next_rate()
    load = replace(QUICK_RUN if study.quick else RUN, rate=rate, mix=mix)
    # The same seed at the same rate would send the very same requests when the border is tested again.
    trial = run_trial(study, arm, load, pair=search.tries + 1, seed=study.seed + search.tries + search.void)
    if trial.run["void"]:
        if fails_anyway(trial.run):
            search.tell(rate, good=False)
            study.notes.append(f"{arm.name} failed at {rate:.0f}/s of {mix}, though the generator was late, too.")
        else:
            search.tell_void()
        return []
    search.tell(rate, good=holds(trial.run))
    return [_point(trial, rate)]


def holds(run: Run) -> bool:
    """Whether a valid run kept the bounds, and its books were right."""
    latency = run["latency_ms"]
    in_time = latency is not None and latency["p99"] <= P99_MS
    return in_time and run["error_share"] <= ERROR_SHARE and run["reconciled"] is not False


def fails_anyway(run: Run) -> bool:
    """Whether a run that is void only for lateness had broken the bound on waits without it, too.

    Of a latency, which counts from when a request was due, at most the greatest lag is the generator's.
    """
    latency = run["latency_ms"]
    if latency is None or not all(reason.startswith(LATE) for reason in run["void_reasons"]):
        return False
    return latency["p99"] - float(run["generator"]["lag_ms"]["max"]) > P99_MS


def _point(trial: Trial, rate: float) -> dict[str, float]:
    latency: dict[str, Any] = dict(trial.run["latency_ms"] or {})
    return {"rate": rate, "error_share": trial.run["error_share"], **{p: latency[p] for p in ("p50", "p95", "p99")}}


def compare(searches: dict[tuple[str, str], Search], mixes: tuple[str, ...]) -> dict[str, Ratio]:
    """Return services over monolith for each mix, with the bounds that the gaps allow."""
    figures: dict[str, Ratio] = {}
    a, b = BUILDS
    for mix in mixes:
        one, other = searches[mix, a], searches[mix, b]
        low_a, low_b = one.highest_held, other.highest_held
        if not (one.found and other.found and low_a and low_b):
            continue
        figures[f"capacity_{mix}_services_vs_monolith"] = {
            "ratio": low_b / low_a,
            "low": low_b / one.lowest_failed,
            "high": other.lowest_failed / low_a,
            "a": a,
            "b": b,
            "what": f"capacity, {mix}",
            "pairs": 1,
            "verdict": "withheld",
        }
    return figures


def answer(knees: dict[str, dict[str, float]]) -> list[str]:
    """Return the answer in two sentences."""
    told = [
        f"{mix} {sentence_of_list([f'{number(rate)}/s ({build_name(build)})' for build, rate in found.items()])}"
        for mix, found in knees.items()
        if found
    ]
    missing = "" if all(len(found) == len(BUILDS) for found in knees.values()) else (
        "Not every capacity was found: the machine was too busy, or the search too short; see the notes. "
    )  # fmt: skip
    if not told:
        return [missing.strip()]
    return [
        f"Within a p99 of {P99_MS:.0f} ms and {ERROR_SHARE:.1%} errors, the builds took: {'; '.join(told)}.",
        f"{missing}Each is one search whose border held twice, so it names no winner; the ratios are bounded by what "
        "failed.",
    ]
