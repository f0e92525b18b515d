"""The framework: what of the difference between the builds is Flask beside FastAPI, or threads beside asyncio?

Question: Does a slow payment provider cap a shop that is built of threads before its CPU does, and is it the framework?

Hypothesis: The framework decides nothing: the monolith's own modules behind FastAPI give as many orders as behind
Flask, at about the same CPU. The number of threads does: 16 threads that wait 800 ms for the provider give no more than
20 orders a second, whichever framework calls them, while 64 threads, or coroutines, have the CPU as their limit.

Load: A closed loop of 48 clients, orders alone, in slices of 4 s on live, warm stacks, in rounds of random order
(`--set rounds=6`). The provider takes 20, 200 or 800 ms. Arms: the monolith with 16 and with 64 threads; the same
modules, transactions, database and threads behind FastAPI and uvicorn (`variants/fastapi_monolith.py`); the services.

What is held equal: Cores, products, clients, the provider, and the pool of database connections (16). Before each of
its turns a stack's applications are restarted and warmed up; the provider's latency changes while they run.

How to read it: Goodput are confirmed orders a second, by what the provider takes; ratios are over rounds, each with
its 95 % interval, and the monolith with 16 threads is measured twice, as the A/A gate. In a closed loop a customer
waits as long as clients over goodput, so latencies say nothing more. The framework is Flask on Granian against FastAPI
on uvicorn, server and all, with synchronous modules behind both.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from deploy.faults import outside
from deploy.model.parts import VARIANT
from deploy.runner.interface import Runner
from loadtests.engine import pairing
from loadtests.engine.ablation import Ablation, Contrast, Variant, Work
from loadtests.engine.arm import Arm, Settings
from loadtests.engine.declaration import Conclusion
from loadtests.engine.factor import Factor
from loadtests.report.result import Ratio, Run
from loadtests.report.words import times

PROVIDER_MS = (20.0, 200.0, 800.0)
CLIENTS = 48
GOODPUT = "orders a second"


@contextlib.contextmanager
def provider_takes(arm: Arm, median_ms: float) -> Iterator[None]:
    """Have the provider answer this shop after so long, and as usual afterwards."""
    merchant = arm.runner.stack.merchant
    behaviour = outside.provider_behaviour("provider-slow", {"ms": median_ms})
    outside.set_provider_behaviour(arm.runner.site, merchant, behaviour)
    try:
        yield
    finally:
        outside.heal_provider(arm.runner.site, merchant)


def monolith(threads: int, ending: str, what: str, variant: str = "") -> Variant:
    """Return the monolith with so many threads, in a variant of its own if one is named."""
    settings = {"WEB_THREADS": str(threads)} | ({VARIANT: variant} if variant else {})

    def of_web(_: Runner) -> Settings:
        return {"web": settings}

    return Variant(f"monolith{ending}", "monolith", what, of_web)


VARIANTS = (
    monolith(16, "", "Flask, 16 threads"),
    monolith(16, "-again", "Flask, 16 threads, once more: the A/A gate"),
    monolith(64, "-64-threads", "Flask, 64 threads"),
    monolith(16, "-fastapi", "FastAPI, 16 threads", "fastapi"),
    monolith(64, "-fastapi-64-threads", "FastAPI, 64 threads", "fastapi"),
    Variant("microservices", "microservices", "services, asyncio"),
)
PAIRS = {
    "framework_16_threads": ("monolith", "monolith-fastapi"),
    "framework_64_threads": ("monolith-64-threads", "monolith-fastapi-64-threads"),
    "threads": ("monolith", "monolith-64-threads"),
    "services": ("monolith-64-threads", "microservices"),
}


def contrasts() -> Iterator[Contrast]:
    """Yield goodput of each pair at each latency of the provider, and the framework's CPU at the shortest."""
    for name, (a, b) in PAIRS.items():
        for provider_ms in PROVIDER_MS:
            yield Contrast(
                f"goodput_{name}_{provider_ms:.0f}ms", a, b, value=pairing.rate, at={"provider_ms": provider_ms},
                what=f"{GOODPUT}, provider {provider_ms:.0f} ms",
            )  # fmt: skip
    for threads in (16, 64):
        a, b = PAIRS[f"framework_{threads}_threads"]
        yield Contrast(f"cpu_framework_{threads}_threads", a, b, at={"provider_ms": PROVIDER_MS[0]})


def conclude(_: Sequence[Run], figures: Mapping[str, Ratio]) -> Conclusion:
    """Return the answer in two sentences."""
    cpu = figures.get("cpu_framework_16_threads")
    slow, threads, services = (figures.get(f"goodput_{name}_{PROVIDER_MS[-1]:.0f}ms")
                               for name in ("framework_16_threads", "threads", "services"))  # fmt: skip
    if not (slow and threads and services):
        return Conclusion(["Too few valid slices to say anything."])
    answer = [
        f"With a provider that takes {PROVIDER_MS[-1]:.0f} ms and 16 threads, FastAPI gives {times(slow)} the orders a "
        f"second; 64 threads instead of 16 give {times(threads)}, and the services {times(services)} of those.",
    ]
    if cpu:
        sentence = f"Behind FastAPI the same modules take {times(cpu)} the CPU per order that they take behind Flask."
        answer.insert(0, sentence)
    return Conclusion(answer)


EXPERIMENT = Ablation(
    variants=VARIANTS,
    works=(Work("order", 4.0, clients=CLIENTS),),
    contrasts=tuple(contrasts()),
    conclude=conclude,
    noise=0.08,
    detects=1.15,
    twins=(("monolith", "monolith-again"),),
    quick_share=0.3,
    factors=(Factor("provider_ms", PROVIDER_MS, provider_takes, quick=PROVIDER_MS[-1:]),),
)
