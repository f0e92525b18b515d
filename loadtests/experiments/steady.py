"""A verdict at a steady rate: eight pairs, and a build that must first be shown to equal itself.

Question: Which build costs less CPU per order, and in which does a customer wait less, at a rate that both bear?

Hypothesis: The monolith costs less and answers sooner: a call between processes is dearer than a function call, and an
order passes several of them.

Load: First CPU: orders alone, evenly spaced, in pulses of 1 s that go to the arms in turns, on live, warm data, each
build at 70 % of what it took itself in a short ramp. That is about cost, so the builds are equally busy and not equally
asked: a core that mostly sleeps takes more time for the same work, and not always the same. Then latency: open arrivals
(Poisson) of the mix `shopping` (another with `--set mix=ordering`), for all at 40 % of what the slower build took, in
runs of 10 s that each begin with fresh data and a warm-up.

What is held equal: Cores, products, and within a round the seed; for latency the rate, and so the very requests. The
order within each round is random. The number of pairs was fixed before the first one: 50 for CPU, eight for latency.

How to read it: The monolith runs twice in each round, as an arm of its own. Only where the monolith is shown equivalent
to itself within the stated tolerance (5 % for CPU, 10 to 25 % for latencies) is a winner named in that figure; p-values
are corrected for looking at several figures (Holm). `--set figures=cpu` leaves the latencies out, `--set
figures=aa` the services, too: three minutes in which a machine shows whether such a comparison can be had on it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

from deploy.faults import injected_faults
from deploy.model.errors import DeployError
from loadtests.experiments import journeys_core, pairing, probe, pulses, slices, steady_findings
from loadtests.experiments.arm import Arm, arms_up
from loadtests.experiments.closing import close_books
from loadtests.experiments.feeder import Feeder
from loadtests.experiments.steady_findings import AGAIN, BUILDS, CPU, FIGURES
from loadtests.experiments.study import PRODUCTS, Study
from loadtests.experiments.trial import Load, run_trial
from loadtests.measure import accounting
from loadtests.report.result import Result
from loadtests.report.words import build_name, sentence_of_list

Slow = AbstractContextManager[None]
PLANTED = "cpu_order_monolith_again_vs_monolith"
PAIRS, QUICK_PAIRS = 8, 3
PULSE_PAIRS, QUICK_PULSE_PAIRS = 50, 8
SHARE_OF_CAPACITY = 0.4
SHARE_FOR_CPU = 0.7
WARM_S = 3.0
FRESH = Load(rate=0.0, duration_s=10.0, warm_up_s=5.0)


def run(study: Study) -> Result:
    """Measure cost in pulses and latency on fresh data, each with the monolith against itself."""
    pairs, pulse_pairs = (QUICK_PAIRS, QUICK_PULSE_PAIRS) if study.quick else (PAIRS, PULSE_PAIRS)
    mix = study.options.get("mix", "shopping")
    figures, planted = _options(study)
    builds, cpu_only = BUILDS[:1] if figures == "aa" else BUILDS, figures != "all"
    probes = len(builds) * (1 if cpu_only else 2)
    study.narrator.plan((len(builds) + 1) * (pulse_pairs + (0 if cpu_only else pairs)) + probes + len(builds))
    with arms_up(builds, study.budget, keep=False) as arms:
        if builds == BUILDS:
            proof = journeys_core.prove(arms, study.folder / "core.log")
            study.narrator.tell(f"both builds behave the same: {proof}")
        rates = {name: SHARE_FOR_CPU * _probed(study, arm, pulses.ORDERS) for name, arm in arms.items()}
        again = arms["monolith"].again()
        _pulses(study, arms, again, rates, pulse_pairs, planted)
        pulsed = list(study.runs)
        if not cpu_only:
            rate = SHARE_OF_CAPACITY * min(_probed(study, arm, mix) for arm in arms.values())
            _rounds(study, [*arms.values(), again], replace(FRESH, rate=rate, mix=mix), pairs)
            study.notes.append(f"{pairs} pairs of runs, fixed beforehand, at {rate:.0f} arrivals/s of the mix `{mix}`.")
    fresh = study.runs[len(pulsed) :]
    gates = {
        name: steady_findings.gate(pulsed if figure.in_pulses else fresh, figure)
        for name, figure in FIGURES.items()
        if figure.in_pulses or not cpu_only
    }
    comparison = steady_findings.compare(pulsed, fresh, gates, enforced=study.budget.enforced)
    if planted and (row := pairing.ratio(pulsed, "monolith", AGAIN, pairing.cpu_per_order, "planted slow-down")):
        comparison[PLANTED] = row
    study.notes += [steady_findings.told(name, found) for name, found in gates.items() if found]
    return study.result(
        answer=steady_findings.answer(comparison, gates),
        comparison=comparison,
        findings={} if planted else steady_findings.findings(comparison),
        gate=steady_findings.gate_of_cpu(gates[CPU]),
        details={"gates": {name: vars(found) for name, found in gates.items() if found}},
    )


def _options(study: Study) -> tuple[str, float]:
    """Return which figures are asked for, and by what share the monolith's second arm is to be slowed down."""
    figures, planted = study.options.get("figures", "all"), study.options.get("planted", "0")
    if figures not in ("all", "cpu", "aa"):
        raise DeployError(f"figures={figures}: want all, cpu, or aa (the A/A gate of CPU alone).")
    try:
        share = float(planted)
    except ValueError as error:
        raise DeployError(f"planted={planted!r} is no number.") from error
    if not 0 <= share <= 1:
        raise DeployError("planted: want a share from 0 to 1, such as 0.1.")
    return figures, share


def _pulses(
    study: Study, arms: Mapping[str, Arm], again: Arm, rates: dict[str, float], pairs: int, planted: float
) -> None:
    """Measure CPU in pulses, the monolith as two arms, and check the books of each build."""
    warm_ups = study.folder / "warm"
    with Feeder(study.folder / "generator.log") as feeder:
        for arm in arms.values():
            arm.fresh_data(PRODUCTS)
            slices.warm(arm, feeder, warm_ups, seconds=WARM_S, seed=study.seed)
        with _slowed(study, feeder, again, planted) as slow:
            histories = pulses.measure(
                study, {**arms, AGAIN: again}, {**rates, AGAIN: rates["monolith"]}, pairs,
                lambda name: slow() if name == AGAIN else contextlib.nullcontext(),
            )  # fmt: skip
    for name, arm in arms.items():  # the monolith's books are of both of its names
        last = [run for run in study.runs if run["build"].removesuffix("-again") == name][-1]
        warmed = warm_ups.glob(f"warm-{name}-*/orders.jsonl")
        close_books(study, arm, [histories[arm.runner.stack.name], *warmed], last)
    study.notes.append(
        f"{pairs} pairs of pulses, fixed beforehand, at "
        f"{sentence_of_list([f'{rates[name]:.0f} orders/s ({build_name(name)})' for name in arms])}."
    )


@contextlib.contextmanager
def _slowed(study: Study, feeder: Feeder, arm: Arm, share: float) -> Iterator[Callable[[], Slow]]:
    """Yield what makes orders slower by a share of what they cost, for a block; nothing, where no test asks for it."""
    if not share:
        yield contextlib.nullcontext
        return
    part = next(part.name for part in arm.runner.stack.parts if part.kind == "app")
    injected_faults.arm(arm.runner, part)
    try:
        for _ in range(2):  # the first warms the restarted process up
            hog_ms = share * _cost_ms(study, feeder, arm)
        study.notes.append(f"PLANTED: a busy loop of {hog_ms:.2f} ms in each order of {AGAIN}.")
        yield lambda: _hogging(arm, hog_ms)
    finally:
        injected_faults.disarm_all(arm.runner)


@contextlib.contextmanager
def _hogging(arm: Arm, hog_ms: float) -> Iterator[None]:
    injected_faults.set_fault(arm.runner, "orders", {"hog_ms": hog_ms})
    try:
        yield
    finally:
        injected_faults.set_fault(arm.runner, "orders", {})


def _cost_ms(study: Study, feeder: Feeder, arm: Arm) -> float:
    """Return what an order of this arm costs in CPU, roughly."""
    before = accounting.take(arm.runner)
    summary = slices.warm(arm, feeder, study.folder / "warm", seconds=WARM_S, seed=study.seed + 1)
    cost_ms = accounting.between(before, accounting.take(arm.runner)).per(summary["orders_confirmed"])
    if cost_ms is None:
        raise DeployError("No order was confirmed, so that nothing can be planted.")
    return float(cost_ms)


def _probed(study: Study, arm: Arm, mix: str) -> float:
    study.narrator.doing(f"Probing how much {arm.name} can take")
    arm.fresh_data(PRODUCTS)
    rate = probe.probe(arm, study.folder / f"probe-{arm.name}-{mix}", mix=mix, seed=study.seed)
    arm.reconcile(None)
    study.narrator.done(f"{arm.name:<14} took about {rate:.0f} arrivals/s")
    return rate


def _rounds(study: Study, arms: list[Arm], load: Load, pairs: int) -> None:
    """Run all arms in each round on fresh data, in random order, with the same requests."""
    chance = random.Random(study.seed + 1)
    for pair in range(1, pairs + 1):
        for arm in chance.sample(arms, len(arms)):
            run_trial(study, arm, load, pair=pair, seed=study.seed + pair + 1000)
