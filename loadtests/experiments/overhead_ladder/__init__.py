"""The overhead ladder: what framework, split data, network and proxy each add to one order and to one list.

Question: On the way from one process to four services behind a proxy, which step adds how much CPU and how much wait?

Hypothesis: The step to the services in one process weighs most, not the network: four databases, sagas and events are
work that a transaction does not have; and the framework around the monolith's modules hardly counts. Each HTTP call
between processes adds about half a millisecond of CPU, Envoy between them a little more. A list of products, which
passes one service only, hardly changes. In all, a confirmed order costs the services at most 2.5 times the monolith's
CPU.

Load: Open arrivals (Poisson) at one rate for all rungs: orders alone, and lists of 20 alone, in alternating slices of 3
s on live, warm stacks, in rounds of random order (`--set rounds=8`). Steps: the monolith; its modules behind FastAPI;
the services in one process (colocated); the services in processes, calling each other's ports; the same with Envoy
between them. Beside the ladder, since they change the work, in fewer rounds: no tokens between services; the broker
held, so that events and mails wait until after the slice; httpx's own transport in place of aiohttp's below the same
API.

What is held equal: Cores, products, rate, and within a round the very requests. Before each of its turns a stack's
applications are restarted, whether its settings change or not, and warmed up with closed-loop orders. CPU is that of
all parts, until mails and events are done.

How to read it: Each bar of the waterfall is what a step adds, the mean of the differences round by round, with its 95 %
interval. A bar whose interval reaches 0 shows nothing. A list passes the edge and the catalog alone, so the step to
Envoy between the services does not exist for it. The monolith is measured twice in each round, as the A/A gate: unless
it equals itself within 10 %, no winner is named. Where the generator was late in a slice, its waits are left out, and
its CPU is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from deploy.model.parts import VARIANT
from deploy.runner.interface import Runner
from loadtests.engine import pairing
from loadtests.engine.ablation import Ablation, Contrast, Variant, Work
from loadtests.engine.arm import Settings
from loadtests.engine.declaration import Conclusion
from loadtests.experiments.overhead_ladder import plots
from loadtests.measure.steps import Step
from loadtests.report import summary
from loadtests.report.claims import verdict_of
from loadtests.report.headline import Headline, ratios
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import number, sentence_of_list, times


def past_envoy(services: Runner) -> Settings:
    """Orders calls the ports of the others, and not Envoy's."""
    site = services.site
    return {"orders": {f"{name.upper()}_URL": site.url("microservices", name) for name in ("catalog", "payments")}}


def variant_of(name: str, *parts: str) -> Settings:
    """Run these services in a variant."""
    return {part: {VARIANT: name} for part in parts}


# From the bottom to the top; each is the one below with one thing added.
LADDER = (
    Variant("monolith", "monolith", "one process, one database"),
    Variant(
        "monolith-fastapi", "monolith", "the same behind FastAPI and uvicorn", lambda _: variant_of("fastapi", "web")
    ),
    Variant("colocated", "colocated", "asyncio, data split in four, events"),
    Variant("direct", "microservices", "processes and the HTTP between them", past_envoy),
    Variant("microservices", "microservices", "Envoy between the services"),
)
BOTTOM, TOP = LADDER[0].name, LADDER[-1].name
AGAIN = Variant("monolith-again", "monolith", "the monolith once more: the A/A gate")
# One thing taken away or exchanged: each of them changes the work.
BESIDE = (
    Variant(
        "no-tokens", TOP, "no tokens between services",
        lambda _: variant_of("no_tokens", "catalog", "orders", "payments"), rarely=True,
    ),
    Variant("no-events", TOP, "events and mails put off", holds="broker", rarely=True),
    Variant(
        "plain-httpx", TOP, "httpx as it comes", lambda _: variant_of("plain_httpx", "orders", "payments"), rarely=True
    ),
)  # fmt: skip
STEPS = {"order": [one.name for one in LADDER], "list": [BOTTOM, "monolith-fastapi", "colocated", TOP]}
ADDS = {
    "monolith-fastapi": "FastAPI and uvicorn around the monolith's own modules",
    "colocated": "asyncio, split data and events",
    "direct": "the network between processes",
    "microservices": "Envoy between them",
}


def contrasts() -> tuple[Contrast, ...]:
    """Return the top over the bottom, each step over the one below, what stands beside over the top, and the waits."""
    figures = [
        Contrast(f"cpu_{unit}_{b}_vs_{a}", a, b, unit, 2.5 if (a, b, unit) == (BOTTOM, TOP, "order") else None)
        for unit, names in STEPS.items()
        for a, b in [(BOTTOM, TOP), *itertools.pairwise(names)]
    ]
    figures += [Contrast(f"cpu_order_{one.name}_vs_{TOP}", TOP, one.name) for one in BESIDE]
    figures += [
        Contrast(
            f"latency_{percentile}_{TOP}_vs_{a}", a, TOP, value=pairing.latency(percentile, "order"),
            what=f"{percentile} of an order",
        )
        for percentile in ("p50", "p99")
        for a in (BOTTOM, "colocated")
    ]  # fmt: skip
    return tuple(figures)


def conclude(runs: Sequence[Run], figures: Mapping[str, Ratio]) -> Conclusion:
    """Return the steps of the ladder, which of them is dearest, and what that says of C3."""
    steps = {
        unit: [step for a, b in itertools.pairwise(names) if (step := pairing.added(runs, a, b, unit))]
        for unit, names in STEPS.items()
    }
    beside = [step for one in BESIDE if (step := pairing.added(runs, TOP, one.name, "order"))]
    everything = [*LADDER, *BESIDE]
    details = {
        "ladder": {
            unit: {"base": summary.mean_cpu_ms(runs, BOTTOM, unit), "steps": [step.as_dict() for step in climbed]}
            for unit, climbed in steps.items()
        },
        "beside": [step.as_dict() for step in beside],
        "rungs": {one.name: one.what for one in everything},
        "waits": {unit: summary.waits(runs, [one.name for one in everything], unit) for unit in STEPS},
    }
    return Conclusion(answer(figures, steps["order"]), findings(figures, steps["order"]), details)


def answer(figures: Mapping[str, Ratio], steps: Sequence[Step]) -> list[str]:
    """Return the answer in two sentences."""
    whole = figures.get(f"cpu_order_{TOP}_vs_{BOTTOM}")
    if whole is None or not steps:
        return ["Too few valid slices to say anything."]
    parts = [
        f"{number(one.added, 2)} ms ({number(one.low, 2)} to {number(one.high, 2)}) by {ADDS[one.b]}" for one in steps
    ]
    browse = figures.get(f"cpu_list_{TOP}_vs_{BOTTOM}")
    return [
        f"A confirmed order takes the services {times(whole)} the CPU of the monolith; added are "
        f"{sentence_of_list(parts)}.",
        f"The dearest step is {ADDS[max(steps, key=lambda one: one.added).b]}."
        + (f" A list of 20 takes {times(browse)}." if browse else ""),
    ]


def findings(figures: Mapping[str, Ratio], steps: Sequence[Step]) -> dict[str, tuple[str, str]]:
    """Return the verdict on C3: latency and cost, of the same services with and without a network between them."""
    names = ("cpu_order_direct_vs_colocated", f"cpu_order_{TOP}_vs_direct", f"latency_p50_{TOP}_vs_colocated")
    cost, proxied, wait = (figures.get(name) for name in names)
    if cost is None or wait is None or proxied is None:
        return {}
    more = {one.b: number(one.added, 2) for one in steps}
    evidence = (
        f"The same services, spread over processes, take {times(cost)} the CPU per order ({more.get('direct')} ms "
        f"more), with Envoy between them {times(proxied)} of that ({more.get(TOP)} ms more), and their median wait is "
        f"{times(wait)}, over {cost.get('pairs')} rounds."
    )
    return {"C3": (verdict_of(cost, wait), evidence)}


EXPERIMENT = Ablation(
    variants=(*LADDER, AGAIN, *BESIDE),
    works=(Work("order", 3.0, rate=60.0), Work("list", 2.0, rate=500.0, variants=tuple(STEPS["list"]))),
    contrasts=contrasts(),
    conclude=conclude,
    noise=0.08,
    twins=((BOTTOM, AGAIN.name),),
    proves=True,
)

PLOTS = plots.PLOTS


def headline(result: Result) -> Headline | None:
    """What the network between the services adds."""
    named = {"CPU per order": "cpu_order_direct_vs_colocated", "median wait": f"latency_p50_{TOP}_vs_colocated"}
    return ratios(result, "an order in the services, over the same services in one process", named)


HEADLINES = {"C3": headline}
