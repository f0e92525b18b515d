"""A verdict at a steady rate: eight pairs, and a build that must first be shown to equal itself.

Question: Which build costs less CPU per order, and in which does a customer wait less, at a rate that both bear?

Hypothesis: The monolith costs less and answers sooner: a call between processes is dearer than a function call, and an
order passes several of them.

Load: First CPU: orders alone, evenly spaced, in alternating slices of 2 s on live, warm data, each build at 70 % of
what it took itself in a short ramp. That is about cost, so the builds are equally busy and not equally asked: a core
that mostly sleeps takes more time for the same work, and not always the same. Then latency: open arrivals (Poisson) of
the mix `shopping` (another with `--set mix=ordering`), for all at 40 % of what the slower build took, in runs of 10 s
that each begin with fresh data and a warm-up.

What is held equal: Cores, products, and within a round the seed; for latency the rate, and so the very requests. The
order within each round is random. The number of pairs was fixed before the first one: 24 for CPU, eight for latency.

How to read it: The monolith runs twice in each round, as an arm of its own. Only where the monolith is shown equivalent
to itself within the stated tolerance (5 % for CPU, 10 to 25 % for latencies) is a winner named in that figure; p-values
are corrected for looking at several figures (Holm). `--set figures=cpu` leaves the latencies out, `--set
figures=aa` the services, too: three minutes in which a machine shows whether such a comparison can be had on it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.errors import DeployError
from deploy.faults import mishaps
from deploy.runner import Runner
from loadtests.experiments import generator, journeys_core, pairing, probe, slices, steady_findings
from loadtests.experiments.arm import Arm, arms_up
from loadtests.experiments.closing import close_books
from loadtests.experiments.feeder import Feeder
from loadtests.experiments.generator import Order
from loadtests.experiments.session import PRODUCTS, Session
from loadtests.experiments.steady_findings import AGAIN, BUILDS, CPU, FIGURES
from loadtests.experiments.trial import Load, run_trial
from loadtests.report.result import Result
from loadtests.report.words import build_name, sentence_of_list

PLANTED = "cpu_order_monolith_again_vs_monolith"
PAIRS, QUICK_PAIRS = 8, 3
SLICE_PAIRS, QUICK_SLICE_PAIRS = 24, 5
SHARE_OF_CAPACITY = 0.4
SHARE_FOR_CPU = 0.7
SLICE = Load(rate=0.0, duration_s=2.0, warm_up_s=0.4, mix="orders-only", extra=("--arrivals", "constant"))
FRESH = Load(rate=0.0, duration_s=10.0, warm_up_s=5.0)


def run(session: Session) -> Result:
    """Measure cost in slices and latency on fresh data, each with the monolith against itself."""
    pairs, slice_pairs = (QUICK_PAIRS, QUICK_SLICE_PAIRS) if session.quick else (PAIRS, SLICE_PAIRS)
    mix = session.options.get("mix", "shopping")
    figures, planted = _options(session)
    builds, cpu_only = BUILDS[:1] if figures == "aa" else BUILDS, figures != "all"
    probes = len(builds) * (1 if cpu_only else 2)
    session.narrator.plan((len(builds) + 1) * (slice_pairs + (0 if cpu_only else pairs)) + probes + len(builds))
    with arms_up(builds, session.budget, keep=False) as arms:
        if builds == BUILDS:
            proof = journeys_core.prove(arms, session.folder / "core.log")
            session.narrator.tell(f"both builds behave the same: {proof}")
        loads = {name: SLICE.at(SHARE_FOR_CPU * _probed(session, arm, SLICE.mix)) for name, arm in arms.items()}
        again = arms["monolith"].again()
        loads[AGAIN] = loads["monolith"]
        for arm in arms.values():
            arm.fresh_data(PRODUCTS)
        with (
            Feeder(session.folder / "generator.log") as feeder,
            _slowed(session, feeder, again, loads[AGAIN], planted) as again,
        ):
            _slices(session, feeder, [*arms.values(), again], loads, slice_pairs)
        sliced = list(session.runs)
        for name, arm in arms.items():  # the monolith's books are of both of its names
            last = [run for run in sliced if run["build"].removesuffix("-again") == name][-1]
            close_books(session, arm, (session.folder / "slices").glob(f"*-{name}*/orders.jsonl"), last)
        session.notes.append(
            f"{slice_pairs} pairs of slices, fixed beforehand, at "
            f"{sentence_of_list([f'{loads[name].rate:.0f} orders/s ({build_name(name)})' for name in arms])}."
        )
        if not cpu_only:
            rate = SHARE_OF_CAPACITY * min(_probed(session, arm, mix) for arm in arms.values())
            _rounds(session, [*arms.values(), again], replace(FRESH, rate=rate, mix=mix), pairs)
            session.notes.append(
                f"{pairs} pairs of runs, fixed beforehand, at {rate:.0f} arrivals/s of the mix `{mix}`."
            )
    fresh = session.runs[len(sliced) :]
    gates = {
        name: steady_findings.gate(sliced if figure.in_slices else fresh, figure)
        for name, figure in FIGURES.items()
        if figure.in_slices or not cpu_only
    }
    comparison = steady_findings.compare(sliced, fresh, gates, enforced=session.budget.enforced)
    if planted and (row := pairing.ratio(sliced, "monolith", AGAIN, pairing.cpu_per_order, "planted slow-down")):
        comparison[PLANTED] = row
    session.notes += [steady_findings.told(name, found) for name, found in gates.items() if found]
    return session.result(
        answer=steady_findings.answer(comparison, gates),
        comparison=comparison,
        findings={} if planted else steady_findings.findings(comparison),
        gate=steady_findings.gate_of_cpu(gates[CPU]),
        details={"gates": {name: vars(found) for name, found in gates.items() if found}},
    )


def _options(session: Session) -> tuple[str, float]:
    """Return which figures are asked for, and by what share the monolith's second arm is to be slowed down."""
    figures, planted = session.options.get("figures", "all"), session.options.get("planted", "0")
    if figures not in ("all", "cpu", "aa"):
        raise DeployError(f"figures={figures}: want all, cpu, or aa (the A/A gate of CPU alone).")
    try:
        share = float(planted)
    except ValueError as error:
        raise DeployError(f"planted={planted!r} is no number.") from error
    if not 0 <= share <= 1:
        raise DeployError("planted: want a share from 0 to 1, such as 0.1.")
    return figures, share


@dataclass(frozen=True)
class SlowedArm(Arm):
    """The same running build with a busy loop in each order, for as long as it is loaded under this name."""

    hog_ms: float = 0.0

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """Be slow for the block."""
        mishaps.tell(self.runner, "orders", {"hog_ms": self.hog_ms})
        try:
            yield
        finally:
            mishaps.tell(self.runner, "orders", {})


@contextlib.contextmanager
def _slowed(session: Session, feeder: Feeder, again: Arm, load: Load, share: float) -> Iterator[Arm]:
    """Yield the second arm, slowed down by a share of what an order costs where a test plants that."""
    if not share:
        yield again
        return
    with _armed(again.runner):
        folder = session.folder / "calibration"
        for number in range(3):  # the first slices warm the restarted process up
            order = _order(session, again, load, folder / str(number), seed=session.seed)
            measured = slices.load(again, feeder, order)
        cost_ms = measured.spent.per(measured.summary["orders_confirmed"])
        again.fresh_data(PRODUCTS)
        if cost_ms is None:
            raise DeployError("No order was confirmed, so that nothing can be planted: see the report's runs.")
        session.notes.append(f"PLANTED: a busy loop of {share * cost_ms:.2f} ms in each order of {AGAIN}.")
        yield SlowedArm(again.name, again.runner, again.parties, again.budget, hog_ms=share * cost_ms)


def _order(session: Session, arm: Arm, load: Load, folder: Path, *, seed: int) -> Order:
    return generator.open_arrivals(
        arm.runner.address, arm.parties.identity, folder, profile=load.as_profile, duration_s=load.duration_s,
        mix=load.mix, seed=seed, warm_up_s=load.warm_up_s, cores=arm.budget.other, extra=load.extra,
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


def _slices(session: Session, feeder: Feeder, arms: list[Arm], loads: Mapping[str, Load], pairs: int) -> None:
    """Measure CPU in short slices of all arms, in random order within each round, with the same seed."""
    chance = random.Random(session.seed)
    for pair in range(1, pairs + 1):
        for arm in chance.sample(arms, len(arms)):
            session.narrator.doing(f"Slice {pair}: {arm.name}")
            folder = session.folder / "slices" / f"{pair:02d}-{arm.name}"
            load = loads[arm.name]
            order = _order(session, arm, load, folder, seed=session.seed + pair)
            with arm.slow() if isinstance(arm, SlowedArm) else contextlib.nullcontext():
                measured = slices.load(arm, feeder, order)
            row = slices.row(session.next_number, arm.name, "order", pair, load.rate, measured)
            # A slice is about cost: its latencies are of data that grows.
            row.update({"latency_ms": None, "latency_ms_by_journey": {}, "histograms": {}})
            session.runs.append(row)
            session.narrator.done(f"slice {pair:<2} {arm.name:<14} {row['cpu_ms_per_order'] or 0:.1f} ms CPU per order")


def _rounds(session: Session, arms: list[Arm], load: Load, pairs: int) -> None:
    """Run all arms in each round on fresh data, in random order, with the same requests."""
    chance = random.Random(session.seed + 1)
    for pair in range(1, pairs + 1):
        for arm in chance.sample(arms, len(arms)):
            run_trial(session, arm, load, pair=pair, seed=session.seed + pair + 1000)
