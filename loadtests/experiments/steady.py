"""A verdict at one steady rate: eight pairs, and a build that must first be shown to equal itself.

Question: At a rate that both builds bear, which one costs less CPU per order, and in which does a customer wait less?

Hypothesis: The monolith costs less and answers sooner: a call between processes is dearer than a function call, and an
order passes several of them.

Load: Open arrivals (Poisson) of the mix `shopping` (another with `--set mix=ordering`) at 40 % of what the slower build
took in a short ramp. First CPU, in alternating slices of 5 s on live, warm data; then latency, in runs of 10 s that
each begin with fresh data and a warm-up.

What is held equal: Cores, products, rate and the very requests: within a round all arms get the same seed. The order
within each round is random. The number of pairs was fixed before the first one: eight.

How to read it: The monolith runs twice in each round, as an arm of its own. Only where the monolith is shown equivalent
to itself within the stated tolerance (5 % for CPU, 10 to 25 % for latencies) is a winner named in that figure; p-values
are corrected for looking at several figures (Holm). `--set figures=cpu` leaves the latencies out: three minutes.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from deploy.errors import DeployError
from deploy.faults import mishaps
from deploy.runner import Runner
from loadtests.experiments import generator, journeys_core, pairing, probe
from loadtests.experiments.arm import Arm, Measured, arms_up
from loadtests.experiments.closing import close_books
from loadtests.experiments.generator import Order
from loadtests.experiments.session import PRODUCTS, Session
from loadtests.experiments.trial import Load, run_trial
from loadtests.measure.planning import holm
from loadtests.measure.statistics import ALPHA, Equivalence, NotComparable, equivalence
from loadtests.report.result import Gate, Ratio, Result, Run
from loadtests.report.words import percent, sentence_of_list, times

BUILDS = ("monolith", "microservices")
AGAIN = "monolith-again"
PAIRS, QUICK_PAIRS = 8, 3
SHARE_OF_CAPACITY = 0.4
SLICE = Load(rate=0.0, duration_s=5.0, warm_up_s=0.5)
FRESH = Load(rate=0.0, duration_s=10.0, warm_up_s=5.0)


@dataclass(frozen=True)
class Figure:
    """What is compared: how it is read from a run, and within what tolerance the monolith must equal itself."""

    what: str
    value: pairing.Value
    tolerance: float
    in_slices: bool = False


FIGURES = {
    "cpu_order_services_vs_monolith": Figure("CPU per confirmed order", pairing.cpu_per_order, 0.05, in_slices=True),
    "latency_p50_services_vs_monolith": Figure("latency p50, all requests", pairing.latency("p50"), 0.10),
    "latency_p95_services_vs_monolith": Figure("latency p95, all requests", pairing.latency("p95"), 0.15),
    "latency_p99_services_vs_monolith": Figure("latency p99, all requests", pairing.latency("p99"), 0.25),
    "latency_order_p50_services_vs_monolith": Figure(
        "latency p50, placing an order", pairing.latency("p50", "order"), 0.10
    ),
}
CPU = "cpu_order_services_vs_monolith"
PLANTED = "cpu_order_monolith_again_vs_monolith"


def run(session: Session) -> Result:
    """Measure cost in slices and latency on fresh data, each with the monolith against itself."""
    pairs = QUICK_PAIRS if session.quick else PAIRS
    mix = session.options.get("mix", "shopping")
    cpu_only, planted = _options(session)
    phases = 1 if cpu_only else 2
    session.narrator.plan(1 + len(BUILDS) + phases * 3 * pairs + len(BUILDS))
    with arms_up(BUILDS, session.budget, keep=False) as arms:
        session.narrator.done(f"both builds behave the same: {journeys_core.prove(arms, session.folder / 'core.log')}")
        rate = SHARE_OF_CAPACITY * min(_probed(session, arm, mix) for arm in arms.values())
        again = arms["monolith"].again()
        for arm in arms.values():
            arm.fresh_data(PRODUCTS)
        load = replace(SLICE, rate=rate, mix=mix)
        with _slowed(session, again, load, planted) as again:
            _rounds(session, [*arms.values(), again], load, pairs, fresh=False)
        slices = list(session.runs)
        _close(session, arms)
        if not cpu_only:
            _rounds(session, [*arms.values(), again], replace(FRESH, rate=rate, mix=mix), pairs, fresh=True)
    fresh = session.runs[len(slices) :]
    figures = {name: figure for name, figure in FIGURES.items() if figure.in_slices or not cpu_only}
    gates = {name: gate(fresh if not figure.in_slices else slices, figure) for name, figure in figures.items()}
    comparison = compare(slices, fresh, gates, enforced=session.budget.enforced)
    if planted and (row := pairing.ratio(slices, "monolith", AGAIN, pairing.cpu_per_order, "planted slow-down")):
        comparison[PLANTED] = row
    session.notes.append(f"{pairs} pairs, fixed beforehand, at {rate:.1f} arrivals/s of the mix `{mix}`.")
    session.notes += [_told(name, found) for name, found in gates.items() if found]
    return session.result(
        answer=answer(comparison, gates),
        comparison=comparison,
        findings={} if planted else findings(comparison),
        gate=_gate(gates[CPU]),
        details={"gates": {name: vars(found) for name, found in gates.items() if found}},
    )


def _options(session: Session) -> tuple[bool, float]:
    """Return whether only CPU is asked for, and by what share the monolith's second arm is to be slowed down."""
    figures, planted = session.options.get("figures", "all"), session.options.get("planted", "0")
    if figures not in ("all", "cpu"):
        raise DeployError(f"figures={figures}: want all, or cpu.")
    try:
        share = float(planted)
    except ValueError as error:
        raise DeployError(f"planted={planted!r} is no number.") from error
    if not 0 <= share <= 1:
        raise DeployError("planted: want a share from 0 to 1, such as 0.1.")
    return figures == "cpu", share


@dataclass(frozen=True)
class SlowedArm(Arm):
    """The same running build with a busy loop in each order, for as long as it is loaded under this name."""

    hog_ms: float = 0.0

    def load(self, order: Order, *, memory: bool = True) -> Measured:
        """Load it, slowed down."""
        mishaps.tell(self.runner, "orders", {"hog_ms": self.hog_ms})
        try:
            return super().load(order, memory=memory)
        finally:
            mishaps.tell(self.runner, "orders", {})


@contextlib.contextmanager
def _slowed(session: Session, again: Arm, load: Load, share: float) -> Iterator[Arm]:
    """Yield the second arm, slowed down by a share of what an order costs where a test plants that."""
    if not share:
        yield again
        return
    with _armed(again.runner):
        for _ in range(2):  # the first slice warms the restarted process up
            measured = again.load(_slice_of(session, again, load))
        cost_ms = measured.spent.per(measured.summary["orders_confirmed"])
        again.fresh_data(PRODUCTS)
        if cost_ms is None:
            raise DeployError("No order was confirmed, so that nothing can be planted: see the report's runs.")
        session.notes.append(f"PLANTED: a busy loop of {share * cost_ms:.2f} ms in each order of {AGAIN}.")
        yield SlowedArm(again.name, again.runner, again.parties, again.budget, hog_ms=share * cost_ms)


def _slice_of(session: Session, arm: Arm, load: Load) -> Order:
    return generator.open_arrivals(
        arm.runner.address, arm.parties.identity, session.folder / "calibration", profile=load.as_profile,
        duration_s=load.duration_s, mix=load.mix, seed=session.seed, warm_up_s=load.warm_up_s, cores=arm.budget.other,
    )  # fmt: skip


@contextlib.contextmanager
def _armed(runner: Runner) -> Iterator[None]:
    part = next(part.name for part in runner.stack.parts if part.kind == "app")
    mishaps.arm(runner, part)
    try:
        yield
    finally:
        mishaps.disarm_all(runner)


def _probed(session: Session, arm: Arm, mix: str) -> float:
    session.narrator.doing(f"Probing how much {arm.name} can take")
    arm.fresh_data(PRODUCTS)
    rate = probe.probe(arm, session.folder / f"probe-{arm.name}", mix=mix, seed=session.seed)
    arm.reconcile(None)
    session.narrator.done(f"{arm.name:<14} took about {rate:.0f} arrivals/s")
    return rate


def _rounds(session: Session, arms: list[Arm], load: Load, pairs: int, *, fresh: bool) -> None:
    """Run all arms in each round, in random order, with the same requests."""
    chance = random.Random(session.seed + fresh)
    for pair in range(1, pairs + 1):
        for arm in chance.sample(arms, len(arms)):
            seed = session.seed + pair + (1000 if fresh else 0)
            trial = run_trial(session, arm, load, pair=pair, seed=seed, fresh=fresh, reconcile=fresh)
            if not fresh:  # a slice is about cost: its latencies are of data that grows
                trial.run["latency_ms"] = None
                trial.run["latency_ms_by_journey"] = {}
                trial.run["histograms"] = {}


def _close(session: Session, arms: dict[str, Arm]) -> None:
    """Check the books over all slices; the monolith's are of both of its names."""
    for name, arm in arms.items():
        own = [run for run in session.runs if run["build"] in (name, f"{name}-again")]
        close_books(session, arm, (session.folder / run["raw"] / "orders.jsonl" for run in own), own[-1])


def gate(runs: list[Run], figure: Figure) -> Equivalence | None:
    """Return whether the monolith equals itself in this figure; None where there is nothing to compare."""
    first, second = pairing.pairs_of(runs, "monolith", AGAIN, figure.value)
    try:
        return equivalence(first, second, figure.tolerance)
    except NotComparable:
        return None


def compare(
    slices: list[Run], fresh: list[Run], gates: dict[str, Equivalence | None], *, enforced: bool
) -> dict[str, Ratio]:
    """Return services over monolith; a verdict stands only where the figure's gate has passed, and after Holm."""
    found: dict[str, Ratio | None] = {}
    for name, passed in gates.items():
        figure = FIGURES[name]
        speed_without_budgets = not figure.in_slices and not enforced
        withhold = passed is None or not passed.passed or speed_without_budgets
        runs = slices if figure.in_slices else fresh
        found[name] = pairing.ratio(runs, *BUILDS, figure.value, figure.what, withhold=withhold)
    rows = pairing.present(found)
    corrected = holm({name: row.get("p_value", 1.0) for name, row in rows.items()})
    for name, row in rows.items():
        if corrected[name] > ALPHA and row.get("verdict") in ("higher", "lower"):
            row["verdict"] = "not shown"
    return rows


def answer(comparison: dict[str, Ratio], gates: dict[str, Equivalence | None]) -> list[str]:
    """Return the answer in two sentences."""
    cpu, middle = comparison.get(CPU), comparison.get("latency_p50_services_vs_monolith")
    if cpu is None:
        return ["Too few valid pairs to say anything."]
    sentences = [f"A confirmed order takes the services {times(cpu)} the CPU of the monolith{_standing(cpu)}."]
    if middle is None:
        passed = gates[CPU]
        within = f"within {percent(passed.spread)}" if passed else "not at all"
        return [*sentences, f"The monolith equals itself {within}; latencies were not compared."]
    failed = [FIGURES[name].what for name, found in gates.items() if found is None or not found.passed]
    caveat = f"; no winner is named in {sentence_of_list(failed)}, for there the A/A gate failed" if failed else ""
    sentences.append(f"The median wait is {times(middle)} as long{_standing(middle)}{caveat}.")
    return sentences


def _standing(row: Ratio) -> str:
    told = {"higher": ": shown", "lower": ": shown", "not shown": ": a difference is not shown"}
    return told.get(row.get("verdict", ""), ": indicative")


def findings(comparison: dict[str, Ratio]) -> dict[str, tuple[str, str]]:
    """Return what this says about C3: cost and latency, of all differences between the builds."""
    cpu, middle = comparison.get(CPU), comparison.get("latency_p50_services_vs_monolith")
    if cpu is None or middle is None:
        return {}
    verdicts = {row.get("verdict") for row in (cpu, middle)}
    verdict = "supported" if verdicts == {"higher"} else "refuted" if verdicts == {"lower"} else "not shown"
    return {
        "C3": (
            verdict,
            f"CPU per order {times(cpu)}, median wait {times(middle)}, over {cpu.get('pairs')} pairs. That is of all "
            "differences between the builds: `make bench` takes the network apart from them.",
        )
    }


def _gate(found: Equivalence | None) -> Gate:
    if found is None:
        return {"passed": False, "spread": 1.0, "figure": CPU}
    return {
        "passed": found.passed, "spread": found.spread, "tolerance": found.tolerance, "pairs": found.pairs,
        "figure": CPU,
    }  # fmt: skip


def _told(name: str, found: Equivalence) -> str:
    state = "passed" if found.passed else "failed"
    return (
        f"A/A gate of {FIGURES[name].what}: {state}; the monolith against itself is within {percent(found.spread)}, "
        f"{percent(found.tolerance)} are tolerated."
    )
