"""What tracing costs: the same orders with tracing off, with one trace in a hundred kept, and with all.

Question: How much more CPU does a confirmed order take while its way can be followed?

Hypothesis: With 1 % of all traces kept, an order takes at most 10 % more CPU in either build: what is not kept is
decided by the request's id before OpenTelemetry is asked. With every trace kept it takes half as much again and more,
and more so in the services, whose orders have more spans.

Load: Open arrivals (Poisson) of orders alone, at one rate for all, in slices of 4 s on live, warm stacks, in rounds of
random order (`--set rounds=8`). Each build is measured with tracing off, at 1 %, at 100 %, and off once more.

What is held equal: Cores, products, rate, and within a round the very requests. Before each of its turns a build's
applications are restarted (tracing is imported only where it is on), whether its setting changes or not, and warmed up
with closed-loop orders. CPU is that of all parts, until mails, events and spans are done. Spans go to files, by the
official SDK's batching.

How to read it: Each ratio is of CPU per confirmed order, round by round, with its 95 % interval; 1.10 is what may not
be exceeded at 1 %. Off once more is the A/A gate: unless a build equals itself within 10 %, nothing is said. That a
trace names the part that is slow is no matter of cost: a test plants a delay and lets the tool find it, in both builds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from deploy.runner import tracing
from deploy.runner.interface import Runner
from loadtests.engine.ablation import Ablation, Contrast, Variant, Work
from loadtests.engine.arm import Settings
from loadtests.engine.declaration import Conclusion
from loadtests.report import summary
from loadtests.report.claims import verdict_of
from loadtests.report.headline import Headline, ratios
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import build_name, sentence_of_list, times

BUILDS = ("monolith", "microservices")
SHARES = {"1%": ("With 1 % of all traces kept", 0.01), "100%": ("With all of them kept", 1.0)}


def variants_of(build: str) -> list[Variant]:
    """Return the settings in which a build is measured. The first and the last are the same: off."""

    def sampling(share: float) -> Callable[[Runner], Settings]:
        return lambda runner: dict.fromkeys(tracing.traced_parts(runner), tracing.settings_of(runner, share))

    traced = [Variant(f"{build}-{title}", build, f"{title} of all traces kept", sampling(share))
              for title, (_, share) in SHARES.items()]  # fmt: skip
    return [Variant(build, build, "tracing off"), *traced, Variant(f"{build}-again", build, "tracing off, once more")]


def conclude(runs: Sequence[Run], figures: Mapping[str, Ratio]) -> Conclusion:
    """Return a sentence for each share, and what they say about C8: that following requests has its price."""
    answer = []
    for title, (opening, _) in SHARES.items():
        rows = {build: figures.get(f"cpu_order_{build}_{title}_vs_off") for build in BUILDS}
        builds = [f"the {build_name(build).lower()} {times(row)}" for build, row in rows.items() if row]
        if builds:
            answer.append(f"{opening}, a confirmed order takes {sentence_of_list(builds)} the CPU it takes without.")
    one, four = (figures.get(f"cpu_order_{build}_100%_vs_off") for build in BUILDS)
    findings = {}
    if one and four:
        evidence = (
            f"Following every order takes the services {times(four)} the CPU, and the monolith {times(one)}, over "
            f"{four.get('pairs')} rounds. That a request has to be followed through many services is not measured by "
            "this: what is, is that one tool follows it in both builds, and what it costs."
        )
        findings["C8"] = (verdict_of(four), evidence)
    costs = {one.name: summary.mean_cpu_ms(runs, one.name, "order") for one in EXPERIMENT.variants}
    return Conclusion(answer or ["Too few valid slices to say anything."], findings, {"tracing": costs})


def headline(result: Result) -> Headline | None:
    """What following every order costs."""
    named = {build_name(build): f"cpu_order_{build}_100%_vs_off" for build in BUILDS}
    return ratios(result, "CPU per order while every order is followed, over without", named)


HEADLINES = {"C8": headline}
EXPERIMENT = Ablation(
    variants=tuple(variant for build in BUILDS for variant in variants_of(build)),
    works=(Work("order", 4.0, rate=60.0),),
    contrasts=tuple(
        Contrast(f"cpu_order_{build}_{title}_vs_off", build, f"{build}-{title}", target=1.10 if title == "1%" else None)
        for build in BUILDS
        for title in SHARES
    ),
    conclude=conclude,
    noise=0.08,
    twins=tuple((build, f"{build}-again") for build in BUILDS),
)
