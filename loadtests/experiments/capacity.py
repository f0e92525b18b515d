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

from collections.abc import Mapping
from dataclasses import replace

from loadtests.engine import journeys_core, probe
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.search import Search
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, run_trial
from loadtests.load.generator.watch import LATE
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import build_name, number, sentence_of_list

BUILDS = ("monolith", "microservices")
MIXES = ("browsing", "shopping", "ordering")
P99_MS = 250.0
ERROR_SHARE = 0.001
RUN = Load(rate=0.0, duration_s=8.0, warm_up_s=3.0)
QUICK_RUN = Load(rate=0.0, duration_s=4.0, warm_up_s=2.0)
START_SHARE = 0.6
Searches = dict[tuple[str, str], Search]  # by mix and build


def run(study: Study) -> Result:
    """Search the capacity of both builds for each mix, taking turns."""
    mixes = (study.options["mix"],) if "mix" in study.options else ("shopping",) if study.quick else MIXES
    searches: Searches = {}
    with arms_up(BUILDS, study.budget, keep=False) as arms:
        study.progress.tell(f"both behave the same: {journeys_core.prove(arms, study.folder / 'journeys.log')}")
        for mix in mixes:
            for name, arm in arms.items():
                searches[mix, name] = Search(START_SHARE * probe.probed(study, arm, mix))
            while searching := [name for name in BUILDS if not searches[mix, name].done]:
                for name in searching:
                    _try(study, arms[name], mix, searches[mix, name])
    knees: dict[str, dict[str, float]] = {mix: {} for mix in mixes}
    for (mix, name), search in searches.items():
        if search.found and search.highest_held:
            knees[mix][name] = search.highest_held
        else:
            study.notes.append(
                f"The capacity of {name} for {mix} was not found: {search.tries} tries, {search.void} void runs."
            )
    comparison = compare(searches, mixes)
    return study.result(answer=answer(knees), comparison=comparison, findings={}, details={"knees": knees})


def _try(study: Study, arm: Arm, mix: str, search: Search) -> None:
    """Try the next rate and tell the search; a void run proves nothing."""
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
    else:
        search.tell(rate, good=holds(trial.run))


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


def compare(searches: Searches, mixes: tuple[str, ...]) -> dict[str, Ratio]:
    """Return services over monolith for each mix, with the bounds that the gaps allow."""
    figures: dict[str, Ratio] = {}
    a, b = BUILDS
    for mix in mixes:
        one, other = searches[mix, a], searches[mix, b]
        held, held_b = one.highest_held, other.highest_held
        if one.found and other.found and held and held_b:
            figures[f"capacity_{mix}_services_vs_monolith"] = {
                "ratio": held_b / held, "low": held_b / one.lowest_failed, "high": other.lowest_failed / held,
                "a": a, "b": b, "what": f"capacity, {mix}", "pairs": 1, "verdict": "withheld",
            }  # fmt: skip
    return figures


def answer(knees: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the answer in two sentences."""
    rates = [
        f"{mix} {sentence_of_list([f'{number(rate)}/s ({build_name(build)})' for build, rate in by_build.items()])}"
        for mix, by_build in knees.items()
        if by_build
    ]
    missing = "" if all(len(by_build) == len(BUILDS) for by_build in knees.values()) else (
        "Not every capacity was found: the machine was too busy, or the search too short; see the notes. "
    )  # fmt: skip
    if not rates:
        return [missing.strip()]
    return [
        f"Within a p99 of {P99_MS:.0f} ms and {ERROR_SHARE:.1%} errors, the builds took: {'; '.join(rates)}.",
        f"{missing}Each is one search whose border held twice, so it names no winner; the ratios are bounded by what "
        "failed.",
    ]
