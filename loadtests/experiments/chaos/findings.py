"""What random kills come to: how much was tried, how soon it was mended, and the sentences on top of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from loadtests.experiments.chaos.schedule import Fault
from loadtests.report.words import count_of, sentence_of_list

RECOVERED_WITHIN_S = 5.0
CLOSED_WITHIN_S = 30.0
# What a build has to have gone through before it is believed: 17 minutes reach it on two cores.
AIMS = {
    "orders": (10_000, "orders"),
    "kills": (200, "kills -9"),
    "database_restarts": (30, "database restarts"),
    "broker_restarts": (30, "broker restarts"),
}


def counts(faults: Sequence[Fault]) -> dict[str, int]:
    """Return how many faults of each kind there were, and how many parts never came back."""
    kinds = Counter(fault.kind for fault in faults)
    return {
        "kills": kinds["kill"],
        "database_restarts": kinds["database"],
        "broker_restarts": kinds["broker"],
        "pauses": kinds["pause"],
        "network_faults": kinds["network"],
        "never_back": sum(not fault.back_at for fault in faults),
    }


def spread(waits_s: list[float]) -> dict[str, float]:
    """Return count, median, 99th percentile and greatest of some waits, in seconds; nothing of none."""
    if not waits_s:
        return {}
    ordered = sorted(waits_s)
    picked = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in
              (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}  # fmt: skip
    return {"count": float(len(ordered)), **{name: round(value, 3) for name, value in picked.items()}}


def tell(build: dict[str, Any]) -> str:
    """Return what was done to a build, in one line."""
    good, away = build["first_good_order_s"], build["back_s"]
    back = f"a part is back in {away['p50']:.2f} s, p99 {away['p99']:.2f} s, " if away else ""
    recovery = (
        f"first good order {good['p50']:.2f} s after, p99 {good['p99']:.2f} s ({build['struck_again']} of "
        f"{good['count']:.0f} kills struck again before)"
        if good
        else "no order after a kill"
    )
    return (
        f"  {build['build']:<14} {build['orders']} orders, {build['kills']} kills -9, {build['database_restarts']} "
        f"database and {build['broker_restarts']} broker restarts, {build['pauses']} freezes, "
        f"{build['network_faults']} network faults: "
        f"{build['violations']} violations; {back}{recovery}, books closed after {build['books_closed_s']:.1f} s"
    )


def answer(builds: list[dict[str, Any]]) -> list[str]:
    """Return the two sentences on top of the report."""
    tried = [
        f"{one['build']} {count_of(one['violations'], one['orders'])} orders violated a promise, with "
        f"{one['kills']} kills -9, {one['database_restarts']} database and {one['broker_restarts']} broker restarts, "
        f"{one['pauses']} freezes and {one['network_faults']} network faults"
        for one in builds
    ]
    waits = [f"{one['build']} {one['first_good_order_s']['p99']:.1f} s" for one in builds if one["first_good_order_s"]]
    recovery = sentence_of_list(waits) if waits else "not seen"
    closed = sentence_of_list([f"{one['build']} {one['books_closed_s']:.1f} s" for one in builds])
    return [f"Random kills under load: {sentence_of_list(tried)}. {aimed_at(builds)}",
            f"From a part being back to the first good order, without what was down again meanwhile, p99: {recovery}; "
            f"the aim is {RECOVERED_WITHIN_S:.0f} s. From the last healing to closed books: {closed}; "
            f"the aim is {CLOSED_WITHIN_S:.0f} s."]  # fmt: skip


def aimed_at(builds: list[dict[str, Any]]) -> str:
    """Return a sentence that says what of the aims was not reached, by build. The monolith has no broker."""
    short = {
        one["build"]: [
            f"{one[name]:,} of {aim:,} {what}"
            for name, (aim, what) in AIMS.items()
            if one[name] < aim and (name != "broker_restarts" or one["build"] != "monolith")
        ]
        for one in builds
    }
    missed = [f"{build} {', '.join(missing)}" for build, missing in short.items() if missing]
    if not missed:
        return "That is as much as was aimed at."
    return f"It was aimed at more, which takes more minutes: {'; '.join(missed)}."
