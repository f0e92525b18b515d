"""Any two things side by side.

Question: What does B cost, how soon does it answer and how much does it sell, beside A?

Hypothesis: None is made here; yours decides which of the figures below you look at first.

Load: That of the experiment `steady`. First CPU: one kind of request alone, in pulses of 1 s in turns, on live, warm
data, each arm at 70 % of what its build took itself. Then latency: open arrivals (Poisson) on fresh data, for all at
40 % of what the slower arm took. Where an arm is an address nobody is probed: latency alone, at `--rate` arrivals/s for
all, on the data that are there.

What is held equal: Cores, products, seeds, the requests, and what the arms do not name. Each session starts both arms
and a twin of each afresh, in random order; the order of pulses and runs is random. Of another commit only the packages
of the applications are taken: databases, broker, edge, topology, load and reconciler are those of this commit. An
address is not restarted: its twin is a second series of runs at the same address, in between the others.

How to read it: As `steady`. Each interval is over sessions; a winner is named in a figure only where both arms equal
their twins in it, and p-values are corrected for looking at several (Holm). Of an address there is latency and goodput
from outside, ways and balancers included, and the books as far as its public API shows them.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from loadtests.engine import from_outside, notation
from loadtests.engine.conduct import conduct
from loadtests.engine.study import Study
from loadtests.experiments import steady
from loadtests.report.result import Plan, Result

ARMS = ("monolith", "microservices")
QUESTION = "What does {b} cost, how soon does it answer and how much does it sell, beside {a}?"


def run(study: Study) -> Result:
    """Compare the arms `a` and `b` of the study's options, with `tokens_from` and `rate` for addresses."""
    texts = [study.options.get(name, default) for name, default in zip("ab", ARMS, strict=True)]
    with ExitStack() as opened:
        arms = notation.arms(texts, from_outside.tokens_of(study), opened)
        a, b = (arm.name for arm in arms)
        plan: Plan = {**study.experiment.plan, "title": f"{b} beside {a}", "question": QUESTION.format(a=a, b=b)}
        study.experiment = replace(study.experiment, plan=plan)
        study.notes += [f"{arm.name}: the packages of commit {arm.checkout.commit}." for arm in arms if arm.checkout]
        declared = replace(steady.EXPERIMENT, arms=tuple(arms), claims={}, caveat="")
        if any(arm.shop for arm in arms):
            declared = from_outside.latencies(declared, arms, from_outside.rate_of(study), quick=study.quick)
        return conduct(study, declared)
