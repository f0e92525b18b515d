"""Conducts an ablation: rounds of slices, or pulses where variants are turned on and off without a restart."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from loadtests.engine import ablation, interleaved_slices, journeys_core, probe, rows
from loadtests.engine.ablation import Ablation, Variant, Work
from loadtests.engine.arm import Arm, Settings, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.factor import Point
from loadtests.engine.floor import Floor
from loadtests.engine.interleaved_slices import Pulse
from loadtests.engine.study import PRODUCTS, Study, whole_number
from loadtests.engine.warm_generator import WarmGenerator
from loadtests.measure.views import wait_until_finished
from loadtests.report.result import Result, Run
from loadtests.report.words import number

DRAINED_WITHIN_S = 30.0


def conduct(study: Study, declared: Ablation) -> Result:
    """Measure round by round, check the books of every stack at the end, and say what it comes to."""
    declared = chosen_of(study, declared)
    rounds = whole_number(
        study, "rounds", declared.quick_rounds if study.quick else declared.rounds, ablation.LEAST_ROUNDS
    )
    with arms_up(declared.stacks, study.budget, keep=False) as arms:
        if declared.proves and not study.quick:
            proof = journeys_core.prove(arms, study.folder / "journeys.log")
            study.progress.tell(f"all stacks behave the same: {proof}")
        with ThreadPoolExecutor(len(arms)) as pool:
            list(pool.map(lambda arm: arm.fresh_data(PRODUCTS), arms.values()))
        if declared.toggle:
            pulses(study, declared, arms, rounds)
        else:
            with Rounds.of(study, declared, arms) as measuring:
                measuring.all(rounds)
        for name, arm in arms.items():
            own = {variant.name for variant in declared.variants if variant.stack == name and not variant.is_floor}
            last = [run for run in study.runs if run["build"] in own and run["unit"] == "order"][-1]
            close_books(study, arm, (study.folder / "raw" / name).rglob("orders.jsonl"), last)
    study.notes.append(
        f"{rounds} rounds, fixed beforehand: where rounds scatter by {declared.noise:.0%}, {declared.rounds} find a "
        f"ratio of {declared.detects:g} with a chance of 80 %."
    )
    gate = ablation.gate_of(study.runs, declared)
    withhold = bool(declared.twins) and not (gate and gate["passed"])
    comparison = ablation.compare(study.runs, declared.contrasts, withhold=withhold)
    conclusion = declared.conclude(study.runs, comparison)
    return study.result(
        answer=conclusion.answer, comparison=comparison, findings=conclusion.findings, gate=gate,
        details=conclusion.details,
    )  # fmt: skip


def chosen_of(study: Study, declared: Ablation) -> Ablation:
    """Return it with the variants alone that `--set variants=a,b` asks for; twins count where both are among them."""
    variants = study.chosen("variants", declared.variants)
    names = {variant.name for variant in variants}
    twins = tuple(pair for pair in declared.twins if names.issuperset(pair))
    return replace(declared, variants=tuple(variants), twins=twins)


class Rounds:
    """Slices in rounds: one generator that stays, one stack at a time, taken to the variant that is next."""

    def __init__(self, study: Study, declared: Ablation, arms: Mapping[str, Arm], generate: WarmGenerator) -> None:
        self._study, self._declared, self._arms, self._generator = study, declared, arms, generate
        self._share = declared.quick_share if study.quick else 1.0
        self._grid = declared.grid(quick=study.quick)
        # What a stack that was up before had been told is taken away, and given back afterwards.
        self._before = {name: _settings_of_parts(arm) for name, arm in arms.items()}
        self._now = dict(self._before)
        self._floor = next((Floor(arms[one.stack].runner, PRODUCTS) for one in declared.variants if one.is_floor), None)

    @classmethod
    @contextlib.contextmanager
    def of(cls, study: Study, declared: Ablation, arms: Mapping[str, Arm]) -> Iterator[Rounds]:
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
        slices = len(self._grid) * sum(len(works) for _, works in visits)
        self._study.progress.plan(rounds * slices + len(self._arms))
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
        points = random.Random(self._study.seed + round_).sample(self._grid, len(self._grid))
        with held(arm, variant.holds):
            for point in points:
                with contextlib.ExitStack() as stack:
                    for factor in self._declared.factors:
                        stack.enter_context(factor.held(arm, point[factor.name]))
                    for work in works:
                        self._measure(arm, variant, work, point, round_)

    def _measure(self, arm: Arm, variant: Variant, work: Work, point: Point, round_: int) -> None:
        run = self._floor_slice(work, round_) if variant.is_floor else self._slice(arm, variant, work, point, round_)
        if not round_:
            return
        self._study.runs.append(run | {"factors": dict(point)} if point else run)
        place = "".join(f"  {name} {number(value)}" for name, value in point.items())
        cost = f"{number(run['cpu_ms_per_unit'])} ms CPU, {number(run['rate_achieved'])}/s"
        self._study.progress.done(f"round {round_}  {work.unit:<5} {variant.name:<20}{place} {cost}")

    def _slice(self, arm: Arm, variant: Variant, work: Work, point: Point, round_: int) -> Run:
        slice_s, seed, mix = self._share * work.slice_s, self._study.seed + round_, f"{work.unit}s-only"
        place = "-".join([variant.name.strip("%"), *map(number, point.values()), work.unit])
        folder = self._study.folder / "raw" / variant.stack / f"{round_:02d}-{place}"
        if work.rate:
            profile = f"{work.rate:g}x{slice_s:g}"
            spec = arm.open_arrivals(folder, profile=profile, duration_s=slice_s, mix=mix, seed=seed, warm_up_s=0.7)
            measured = arm.load(spec, memory=False, generate=self._generator.run)
            return rows.of_slice(self._study.next_number, variant.name, work.unit, round_, work.rate, measured)
        spec = arm.closed_loop(folder, clients=work.clients, duration_s=slice_s, mix=mix, seed=seed)
        measured = arm.load(spec, memory=False, generate=self._generator.run)
        return rows.of_closed_loop(self._study.next_number, variant.name, work.unit, round_, measured)

    def _floor_slice(self, work: Work, round_: int) -> Run:
        assert self._floor is not None
        done = self._floor.run(
            work.unit, clients=work.clients, duration_s=self._share * work.slice_s, cores=self._study.budget.other
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


def pulses(study: Study, declared: Ablation, arms: Mapping[str, Arm], rounds: int) -> None:
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
