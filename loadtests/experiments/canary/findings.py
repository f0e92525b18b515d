"""What the attempts with new versions come to: a line for each, the claim C11, the sentences on top of the report."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from loadtests.report.claims import NOT_MEASURED, NOT_SHOWN, REFUTED, SUPPORTED
from loadtests.report.headline import Headline, single
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, count_of, number, percent

Attempts = Sequence[dict[str, Any]]
BUILDS = ("monolith", "microservices")


def tell(one: dict[str, Any]) -> str:
    """Return an attempt in one line."""
    fate = f"taken back after {one['share_lasted_s']:.1f} s ({one['alarm']['what']})" if one["alarm"] else "kept"
    return (
        f"  {one['build']:<14} {one['kind']:<8} {fate}; {one['customers_met']} customers met it "
        f"({one['requests_met']} requests), {one['customers_hurt']} of them got {one['bad_answers']} bad answers"
    )


def of(tried: Attempts, build: str, *, bad: bool) -> list[dict[str, Any]]:
    """Return the valid attempts of a build with versions that are bad, or with those that are good."""
    return [one for one in tried if one["build"] == build and one["is_bad"] == bad and not one["void"]]


def middle(attempts: Attempts, value: Callable[[dict[str, Any]], float]) -> float | None:
    """Return the median of a figure; None without attempts."""
    return statistics.median(value(one) for one in attempts) if attempts else None


def exposed(one: dict[str, Any]) -> float:
    """Return which share of all requests went to the new version while it had its share."""
    return one["requests_met"] / one["requests"] if one["requests"] else 0.0


def verdict(tried: Attempts) -> tuple[str, str]:
    """Return the verdict about C11, and its evidence.

    Easier is where as much is found, and less runs twice and fewer requests are put at risk meanwhile.
    """
    evidence = " ".join(text for build in BUILDS if (text := _evidence(tried, build)))
    bad = {build: of(tried, build, bad=True) for build in BUILDS}
    if not all(bad.values()):
        return NOT_MEASURED, evidence or "It needs a bad version in both builds."
    rate = {build: sum(bool(one["alarm"]) for one in bad[build]) / len(bad[build]) for build in BUILDS}
    if rate["microservices"] < rate["monolith"]:
        return REFUTED, evidence
    smaller = [
        (middle(bad["microservices"], value) or 0.0) < (middle(bad["monolith"], value) or 0.0)
        for value in (lambda one: one["memory_mb"], exposed)
    ]
    return (SUPPORTED if all(smaller) and rate["microservices"] == 1.0 else NOT_SHOWN), evidence


def headline(result: Result) -> Headline | None:
    """What is at risk until a bad version is taken back."""
    tried: Attempts = detail(result, "canary") or ()
    bad = {build: of(tried, build, bad=True) for build in BUILDS}
    values = [(build, share * 100) for build in BUILDS if (share := middle(bad[build], exposed)) is not None]
    basis = f"Medians over {' and '.join(str(len(one)) for one in bad.values())} bad versions."
    return single("requests sent to a bad version while it had its share", "%", values, basis)


def answer(tried: Attempts) -> list[str]:
    """Return the sentences on top of the report."""
    lines = [text for build in BUILDS if (text := _caught_in(tried, build))]
    false_alarms = [one for build in BUILDS for one in of(tried, build, bad=False) if one["alarm"]]
    good = sum(len(of(tried, build, bad=False)) for build in BUILDS)
    last = f"{count_of(len(false_alarms), good)} attempts with a version as good as the first ended in a false alarm."
    missed = [one for build in BUILDS for one in of(tried, build, bad=True) if not one["alarm"]]
    if missed:
        runs = ", ".join(f"{build_name(one['build'])} {one['kind']} (run {one['run']})" for one in missed)
        last += f" Not found within the watch: {runs}."
    return [*lines, last]


def _caught_in(tried: Attempts, build: str) -> str:
    attempts = of(tried, build, bad=True)
    if not attempts:
        return ""
    caught = [one for one in attempts if one["alarm"]]
    after = middle(caught, lambda one: one["share_lasted_s"])
    customers = middle(caught, lambda one: one["customers_met"])
    hurt = middle(caught, lambda one: one["customers_hurt"])
    return (
        f"{build_name(build)}: {len(caught)} of {len(attempts)} bad versions were found and taken back, at the median "
        f"after {number(after)} s, when {_whole(customers)} customers had met it and {_whole(hurt)} of them had got a "
        "bad answer."
    )


def _evidence(tried: Attempts, build: str) -> str:
    attempts = of(tried, build, bad=True)
    if not attempts:
        return ""
    share = middle(attempts, exposed)
    memory = middle(attempts, lambda one: one["memory_mb"])
    start = middle(attempts, lambda one: one["start_s"])
    others = sum(sum(n for name, n in one["bad_by_journey"].items() if name not in LISTS) for one in attempts)
    return (
        f"{_caught_in(tried, build)} The version took {number(memory)} MB and {number(start)} s to start, and was sent "
        f"{percent(share or 0.0)} of all requests; {others} bad answers in all were to something else than lists."
    )


def _whole(value: float | None) -> str:
    return number(None) if value is None else f"{value:.0f}"


LISTS = ("list", "search", "category")  # where the defect is
