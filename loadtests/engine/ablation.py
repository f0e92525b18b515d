"""Ablations: the same stacks with one thing switched, taken away or exchanged, measured in turns on live, warm data.

A round measures every variant once, in random order; the number of rounds is fixed before the first, from the scatter
of earlier ones. A round restarts what runs a variant, so that rounds are over starts of the applications, too.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from deploy.runner.interface import Runner
from loadtests.engine import interleaved_slices, journeys_core, pairing, probe, rows, verdicts
from loadtests.engine.arm import Arm, Settings, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.floor import Floor
from loadtests.engine.interleaved_slices import Pulse
from loadtests.engine.study import PRODUCTS, Study, whole_number
from loadtests.engine.warm_generator import WarmGenerator
from loadtests.measure.replication import rounds_that_find
from loadtests.measure.views import wait_until_finished
from loadtests.report.result import Gate, Ratio, Result, Run
from loadtests.report.words import number

DRAINED_WITHIN_S = 30.0
CLIENTS = 8  # of a closed loop
LEAST_ROUNDS = 2
CPU = {"order": "CPU per confirmed order", "list": "CPU per list of 20"}


def nothing_set(_: Runner) -> Settings:
    """Everything as usual."""
    return {}


@dataclass(frozen=True)
class Variant:
    """One way to run a stack: settings by part, or a part that is down while it is measured.

    `rarely`: in every other round. `is_floor`: not the stack, but pgbench with its SQL on its database server.
    """

    name: str
    stack: str
    what: str
    settings: Callable[[Runner], Settings] = nothing_set
    holds: str = ""
    rarely: bool = False
    is_floor: bool = False


@dataclass(frozen=True)
class Work:
    """A unit of work alone: open arrivals (Poisson) at `rate`/s, or, at none, a closed loop of CLIENTS.

    `variants` that do it; empty: all of them.
    """

    unit: str
    slice_s: float
    rate: float = 0.0
    variants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contrast:
    """Variant `b` over variant `a`, in CPU per unit of work unless `value` says what else."""

    name: str
    a: str
    b: str
    unit: str = "order"
    target: float | None = None
    value: pairing.Value = pairing.cpu_per_unit
    what: str = ""


@dataclass(frozen=True)
class Conclusion:
    """What ratios and runs mean: sentences, (verdict, evidence) by claim, and what plots are drawn from."""

    answer: Sequence[str]
    findings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ablation:
    """Variants of stacks that are compared. `noise`: standard deviation of a log ratio from round to round, so far.

    `twins`: variants that are the same thing; unless each pair of them is shown equal within `tolerance`, no ratio has
    a verdict. `toggle`: turns a variant on and off without a restart; the work then comes in pulses of a second.
    """

    variants: tuple[Variant, ...]
    works: tuple[Work, ...]
    contrasts: tuple[Contrast, ...]
    conclude: Callable[[Sequence[Run], Mapping[str, Ratio]], Conclusion]
    noise: float = 0.09
    detects: float = 1.10
    twins: tuple[tuple[str, str], ...] = ()
    tolerance: float = 0.10
    warm_s: float = 1.5
    restarts: bool = True
    proves: bool = False  # that all stacks behave alike, beforehand; not in the short form
    toggle: Callable[[Arm], contextlib.AbstractContextManager[Callable[[Variant], None]]] | None = None
    quick_rounds: int = LEAST_ROUNDS
    quick_share: float = 0.4  # of the time of slices and warming

    @property
    def rounds(self) -> int:
        """So many find a ratio of `detects` with a chance of 80 %."""
        return rounds_that_find(self.detects, self.noise)

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks that are started."""
        return tuple(dict.fromkeys(variant.stack for variant in self.variants))


def conduct(study: Study, declared: Ablation) -> Result:
    """Measure round by round, check the books of every stack at the end, and say what it comes to."""
    rounds = whole_number(study, "rounds", declared.quick_rounds if study.quick else declared.rounds, LEAST_ROUNDS)
    with arms_up(declared.stacks, study.budget, keep=False) as arms:
        if declared.proves and not study.quick:
            proof = journeys_core.prove(arms, study.folder / "journeys.log")
            study.progress.tell(f"all stacks behave the same: {proof}")
        with ThreadPoolExecutor(len(arms)) as pool:
            list(pool.map(lambda arm: arm.fresh_data(PRODUCTS), arms.values()))
        if declared.toggle:
            _pulses(study, declared, arms, rounds)
        else:
            with _Rounds.of(study, declared, arms) as measuring:
                measuring.all(rounds)
        for name, arm in arms.items():
            own = {variant.name for variant in declared.variants if variant.stack == name and not variant.is_floor}
            last = [run for run in study.runs if run["build"] in own and run["unit"] == "order"][-1]
            close_books(study, arm, (study.folder / "raw" / name).rglob("orders.jsonl"), last)
    study.notes.append(
        f"{rounds} rounds, fixed beforehand: where rounds scatter by {declared.noise:.0%}, {declared.rounds} find a "
        f"ratio of {declared.detects:g} with a chance of 80 %."
    )
    gate = gate_of(study.runs, declared)
    withhold = bool(declared.twins) and not (gate and gate["passed"])
    comparison = compare(study.runs, declared.contrasts, withhold=withhold)
    conclusion = declared.conclude(study.runs, comparison)
    return study.result(
        answer=conclusion.answer, comparison=comparison, findings=conclusion.findings, gate=gate,
        details=conclusion.details,
    )  # fmt: skip


def compare(runs: Sequence[Run], contrasts: Sequence[Contrast], *, withhold: bool = False) -> dict[str, Ratio]:
    """Return the ratios that could be had."""
    return pairing.present(
        {
            one.name: pairing.ratio(
                runs, one.a, one.b, one.value, one.what or CPU[one.unit], unit=one.unit, withhold=withhold,
                target=one.target,
            )
            for one in contrasts
        }
    )  # fmt: skip


def gate_of(runs: Sequence[Run], declared: Ablation) -> Gate | None:
    """Return the A/A gate: the worst of the variants that are the same thing; None where there is nothing to see."""
    pairs = [pairing.pairs_of(runs, a, b, pairing.cpu_per_unit, "order") for a, b in declared.twins]
    gates = [pair.equivalence(declared.tolerance) for pair in pairs]
    return verdicts.worst(gates, "CPU per confirmed order, the same variant once more")


class _Rounds:
    """Slices in rounds: one generator that stays, one stack at a time, taken to the variant that is next."""

    def __init__(self, study: Study, declared: Ablation, arms: Mapping[str, Arm], generate: WarmGenerator) -> None:
        self._study, self._declared, self._arms, self._generator = study, declared, arms, generate
        self._share = declared.quick_share if study.quick else 1.0
        # What a stack that was up before had been told is taken away, and given back afterwards.
        self._before = {name: _settings_of_parts(arm) for name, arm in arms.items()}
        self._now = dict(self._before)
        self._floor = next((Floor(arms[one.stack].runner, PRODUCTS) for one in declared.variants if one.is_floor), None)

    @classmethod
    @contextlib.contextmanager
    def of(cls, study: Study, declared: Ablation, arms: Mapping[str, Arm]) -> Iterator[_Rounds]:
        with WarmGenerator(study.folder / "generator.log") as warm_generator, contextlib.ExitStack() as stack:
            rounds = cls(study, declared, arms, warm_generator)
            if rounds._floor:
                stack.callback(rounds._floor.take_down)
                rounds._floor.set_up()
            if declared.restarts:
                stack.callback(rounds._back)
            yield rounds

    def all(self, rounds: int) -> None:
        """Measure so many rounds; where nothing is restarted, one before them warms up and is not counted."""
        declared, chance = self._declared, random.Random(self._study.seed)
        visits = [(variant, self._works_of(variant)) for variant in declared.variants]
        if not declared.restarts:
            visits = [(variant, (work,)) for variant, works in visits for work in works]
        self._study.progress.plan(rounds * sum(len(works) for _, works in visits) + len(self._arms))
        for round_ in range(1 if declared.restarts else 0, rounds + 1):
            chosen = [visit for visit in visits if not (visit[0].rarely and round_ % 2)]
            for variant, works in chance.sample(chosen, len(chosen)):
                self._visit(variant, works, round_)

    def _works_of(self, variant: Variant) -> tuple[Work, ...]:
        return tuple(work for work in self._declared.works if not work.variants or variant.name in work.variants)

    def _visit(self, variant: Variant, works: Sequence[Work], round_: int) -> None:
        arm = self._arms[variant.stack]
        self._study.progress.doing(f"Round {round_}: {variant.name}")
        if self._declared.restarts:
            self._take_to(arm, variant.settings(arm.runner))
            seconds = self._share * self._declared.warm_s
            folder = self._study.folder / "raw" / variant.stack
            arm.warm(folder, self._generator.run, seconds=seconds, seed=self._study.seed)
        with held(arm, variant.holds):
            for work in works:
                run = self._floor_slice(work, round_) if variant.is_floor else self._slice(arm, variant, work, round_)
                if round_:
                    self._study.runs.append(run)
                    cost = number(run["cpu_ms_per_unit"])
                    self._study.progress.done(f"round {round_}  {work.unit:<5} {variant.name:<20} {cost} ms CPU")

    def _slice(self, arm: Arm, variant: Variant, work: Work, round_: int) -> Run:
        slice_s, seed, mix = self._share * work.slice_s, self._study.seed + round_, f"{work.unit}s-only"
        folder = self._study.folder / "raw" / variant.stack / f"{round_:02d}-{variant.name.strip('%')}-{work.unit}"
        if work.rate:
            profile = f"{work.rate:g}x{slice_s:g}"
            spec = arm.open_arrivals(folder, profile=profile, duration_s=slice_s, mix=mix, seed=seed, warm_up_s=0.7)
            measured = arm.load(spec, memory=False, generate=self._generator.run)
            return rows.of_slice(self._study.next_number, variant.name, work.unit, round_, work.rate, measured)
        spec = arm.closed_loop(folder, clients=CLIENTS, duration_s=slice_s, mix=mix, seed=seed)
        measured = arm.load(spec, memory=False, generate=self._generator.run)
        summary = measured.summary
        units = summary["orders_confirmed"] if work.unit == "order" else summary["outcomes"].get("ok", 0)
        failed = 1 - units / summary["requests"] if summary["requests"] else 1.0
        run = rows.cost(
            self._study.next_number, variant.name, work.unit, round_, units, measured.spent, summary["duration_s"]
        )
        run |= {"error_share": failed, "counted": measured.counted}
        return run

    def _floor_slice(self, work: Work, round_: int) -> Run:
        assert self._floor is not None
        done = self._floor.run(
            work.unit, clients=CLIENTS, duration_s=self._share * work.slice_s, cores=self._study.budget.other
        )
        run = rows.cost(self._study.next_number, "floor", work.unit, round_, done.units, done.spent, done.wall_s)
        return run | {"orders_confirmed": 0, "generator": {"pgbench_cpu_ms": round(done.pgbench_cpu_ms, 1)}}

    def _take_to(self, arm: Arm, settings: Settings) -> None:
        """Restart a stack's applications with these settings, whatever they had before: all variants begin alike."""
        stack = arm.runner.stack
        now = self._now[stack.name]
        self._now[stack.name] = settings  # before it is done: if it is broken off, it has to be taken back, too
        apps = {part.name for part in stack.parts if part.kind == "app"}

        def begin_anew(part: str) -> None:
            if changes := _changes(now.get(part, {}), settings.get(part, {})):
                arm.runner.configure(part, changes)
            else:
                arm.runner.restart(part)

        concerned = apps | {part for part in {*now, *settings} if now.get(part, {}) != settings.get(part, {})}
        with ThreadPoolExecutor(len(concerned)) as pool:
            list(pool.map(begin_anew, concerned))

    def _back(self) -> None:
        for name, arm in self._arms.items():
            now, before = self._now[name], self._before[name]
            for part in {*now, *before}:
                if changes := _changes(now.get(part, {}), before.get(part, {})):
                    arm.runner.configure(part, changes)


def _changes(now: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str | None]:
    return {} if now == settings else {name: settings.get(name) for name in {*now, *settings}}


def _settings_of_parts(arm: Arm) -> Settings:
    """Return what was set for single parts; `*` holds for all variants alike."""
    return {part: each for part, each in arm.runner.status().environment.items() if part != "*" and each}


@contextlib.contextmanager
def held(arm: Arm, part: str) -> Iterator[None]:
    """Keep a part down; afterwards wait until what it kept waiting is done. Without a part: nothing."""
    if not part:
        yield
        return
    arm.runner.hold(part)
    try:
        yield
    finally:
        arm.runner.release(part)
        wait_until_finished(arm.parties.databases, DRAINED_WITHIN_S, arm.parties.broker_monitor)


def _pulses(study: Study, declared: Ablation, arms: Mapping[str, Arm], rounds: int) -> None:
    """Measure variants that are turned on and off in running processes: pulses of half of what each stack takes."""
    assert declared.toggle is not None
    (work,) = declared.works
    by_name = {variant.name: variant for variant in declared.variants}
    mix = f"{work.unit}s-only"
    with contextlib.ExitStack() as stack:
        turn = {name: stack.enter_context(declared.toggle(arm)) for name, arm in arms.items()}
        rates = {name: work.rate * probe.probed(study, arm, mix) for name, arm in arms.items()}
        folder = study.folder / "raw"
        with WarmGenerator(study.folder / "generator.log") as warm_generator:
            for name, arm in arms.items():
                arm.fresh_data(PRODUCTS)
                arm.warm(folder / name, warm_generator.run, seconds=declared.warm_s, seed=study.seed)
        study.progress.plan(rounds * len(by_name) + len(arms))
        interleaved_slices.measure(
            study,
            {variant.name: arms[variant.stack] for variant in declared.variants},
            [Pulse(variant.name, work.unit, mix, rates[variant.stack]) for variant in declared.variants],
            rounds,
            seed=study.seed,
            folder=lambda name: folder / by_name[name].stack / name,
            before=lambda name: turn[by_name[name].stack](by_name[name]),
        )
