"""Runs a game day: the same load and the same faults at each build, and a look at the hypotheses twice a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy.faults import connections, find, heal_everything, injected_faults, notes
from deploy.faults.vocabulary import part_of
from deploy.model.errors import DeployError
from deploy.model.home import Home
from deploy.runner.interface import Runner
from loadtests.engine import generator
from loadtests.engine.arm import Arm
from loadtests.engine.budgets import Budget
from loadtests.engine.generator import Beside, GeneratorFailed
from loadtests.engine.timeline import Episode, Timeline
from loadtests.load.conditions import Condition
from loadtests.load.generator.live import LiveReader
from loadtests.load.generator.record import Row
from loadtests.measure.impact import FaultWindow
from loadtests.measure.parties import Parties
from workshop.gameday.outcome import Outcome, Prediction, StepOutcome, by_second
from workshop.gameday.plan import Abort, Plan, Step

LOOK_EVERY_S = 0.5
WRITE_EVERY_S = 2.0
LEAST_TO_ABORT = 10  # requests in the window of an abort condition: one failure of two is no reason
BY_HAND = "it was stopped by hand"

Tell = Callable[[str], None]
Write = Callable[[Outcome], object]


@dataclass
class Watched:
    """One build under load. It is the clock of its faults, which heal at once when `over` is set."""

    arm: Arm
    load: Beside
    reader: LiveReader
    over: threading.Event
    rows: list[Row] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)  # one command to a stack at a time

    @property
    def began_at(self) -> float:
        """When its load's measured part began (of time.monotonic)."""
        return self.load.began_at

    @property
    def now_s(self) -> float:
        """Seconds since then, 0 before."""
        return self.load.now_s if self.load.began_at else 0.0

    def wait_until(self, second: float) -> bool:
        """Wait for this second; return whether to go on."""
        return not self.over.wait(max(0.0, second - self.now_s))


class GameDay:
    """One game day. `tell` gets lines for people, `write` the outcome every two seconds and at the end."""

    def __init__(self, plan: Plan, runners: Sequence[Runner], folder: Path, tell: Tell, write: Write,
                 *, command: str = "", seed: int | None = None) -> None:  # fmt: skip
        self._plan, self._folder, self._tell, self._write = plan, folder, tell, write
        self._over = threading.Event()
        self.builds = [_watched(plan, runner, folder, self._over) for runner in runners]
        names = {one.arm.name for one in self.builds}
        self._steps = [step for step in plan.schedule(seed) if names & {*step.builds}]
        self.outcome = Outcome(
            title=plan.title, about=plan.about.strip(), command=command,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"), seed=plan.seed if seed is None else seed,
            load={"profile": plan.load.profile, "mix": plan.load.mix, "payment_methods": plan.load.payment_methods},
            duration_s=plan.load.duration_s, abort=[f"{one.when} for {one.for_s:g} s" for one in plan.abort],
            builds=[one.arm.name for one in self.builds], steps=[_planned(step, names) for step in self._steps],
        )  # fmt: skip

    def run(self) -> Outcome:
        """Go through the plan; nothing is broken afterwards, however it ends. Raises DeployError."""
        trouble: DeployError | None = None
        with ThreadPoolExecutor(len(self.builds) * (len(self._steps) + 1), "gameday") as hands:
            try:
                list(hands.map(self._prepare, self.builds))
                if not self._over.is_set():  # all at once, whoever was prepared first
                    list(hands.map(lambda one: one.load.begin(), self.builds))
                faults = [
                    hands.submit(self._strike, one, step, planned)
                    for one in self.builds
                    for step, planned in zip(self._steps, self.outcome.steps, strict=True)
                    if one.arm.name in step.builds
                ]
                self._watch(faults)
            except KeyboardInterrupt:
                self._stop(BY_HAND)
            except DeployError as error:
                self._stop(str(error))
                trouble = error
            finally:
                self._over.set()
        try:
            self._end_loads()
        finally:  # also what prepared the faults: nothing of them is left
            for one in self.builds:
                heal_everything(one.arm.runner)
        if self.outcome.stopped != BY_HAND:
            self._close_books()
        self.outcome.is_over = True
        self._write(self.outcome)
        if trouble is not None:
            raise trouble
        return self.outcome

    def _prepare(self, one: Watched) -> None:
        """Start again now what would have to be for a fault, so that customers meet the fault and no restart."""
        runner = one.arm.runner
        mine = [step for step in self._steps if one.arm.name in step.builds]
        by_kind = {where: [step.part for step in mine if find(step.fault).where == where]
                   for where in ("connection", "module")}  # fmt: skip
        targets = [each for part in by_kind["connection"] for each in connections.select(runner, part)]
        connections.redirect(runner, list(dict.fromkeys(targets)))
        for module in by_kind["module"]:
            if not self._over.is_set():
                injected_faults.arm(runner, part_of(runner.stack, module).name)

    def _strike(self, one: Watched, step: Step, planned: StepOutcome) -> None:
        episode = Episode(step.name, step.fault, step.at_s, step.for_s, step.part, step.set)
        timeline = Timeline(one.arm.runner, [episode], turn=one.turn)
        if not one.wait_until(step.at_s):
            return
        planned.windows[one.arm.name] = FaultWindow(step.name, one.now_s, one.now_s, 0.0, 0.0)
        self._say(one, f"{step.name}: {step.fault} {step.part}".rstrip())
        with notes.noted(Home.from_environment(), one.arm.name, step.fault, step.part, step.for_s):
            timeline(one)
        planned.windows[one.arm.name] = timeline.windows[0]
        self._say(one, f"{step.name}: healed")

    def _watch(self, faults: Sequence[Future[None]]) -> None:
        written_at = 0.0
        while not self._over.is_set() and any(one.load.wait_until(0) for one in self.builds):
            self._over.wait(LOOK_EVERY_S)
            self._look()
            for fault in faults:
                if fault.done():
                    fault.result()  # one that could not be injected ends the day
            for condition in self._plan.abort:
                for one in self.builds:
                    self._abort_if(one, condition)
            if time.monotonic() - written_at > WRITE_EVERY_S:
                written_at = time.monotonic()
                self._write(self.outcome)

    def _look(self, *, is_final: bool = False) -> None:
        self.outcome.now_s = round(min(self.outcome.duration_s, max(one.now_s for one in self.builds)), 1)
        until_s = self.outcome.stopped_at_s or self.outcome.now_s
        for one in self.builds:
            one.rows += [row for row in one.reader.new() if row.due_s >= 0]
            self.outcome.seconds[one.arm.name] = by_second(one.rows, until_s)
            for number, (step, planned) in enumerate(zip(self._steps, self.outcome.steps, strict=True)):
                window = planned.windows.get(one.arm.name)
                if window is not None:
                    self._compare(one, number, step, window, is_final=is_final)

    def _compare(self, one: Watched, number: int, step: Step, window: FaultWindow, *, is_final: bool) -> None:
        ends_s = window.healing_s or one.now_s
        rows = [row for row in one.rows if window.broken_s <= row.due_s < ends_s]
        mine = [each for each in self.outcome.steps[number].predictions if each.build == one.arm.name]
        for condition, prediction in zip(step.expected_of(one.arm.name), mine, strict=True):  # type: ignore[arg-type]
            before = prediction.verdict
            prediction.look(condition, rows, one.now_s, is_final=is_final)
            if prediction.verdict == "refuted" != before and not is_final:
                self._say(one, f"{step.name}: expected {condition}, seen {prediction.seen} of {prediction.count}")

    def _abort_if(self, one: Watched, abort: Abort) -> None:
        """By the moment of the answer: who waits for a shop that hangs has come long before."""
        now_s, condition = one.now_s, abort.when
        if now_s < abort.for_s or self._over.is_set():
            return
        rows = [row for row in one.rows if row.due_s + row.latency_ms / 1000 >= now_s - abort.for_s]
        measurement = condition.measure(rows)
        if measurement.value is not None and measurement.count >= LEAST_TO_ABORT and condition.holds(measurement.value):
            self._stop(f"{one.arm.name}: {condition} for {abort.for_s:g} s ({condition.words(measurement.value)})")

    def _stop(self, why: str) -> None:
        if not self.outcome.stopped:
            self.outcome.stopped, self.outcome.stopped_at_s = why, round(max(one.now_s for one in self.builds), 1)
            self._tell(f"ABORTED, all is being healed: {why}")
        self._over.set()

    def _end_loads(self) -> None:
        """Let each load end by itself, or at once where the day was stopped."""
        if self.outcome.stopped:
            with ThreadPoolExecutor(len(self.builds)) as hands:  # each has its last answers to wait for
                list(hands.map(lambda one: one.load.end(), self.builds))
        for one in self.builds:
            if not one.load.began_at:  # stopped before
                continue
            try:
                self.outcome.void[one.arm.name] = one.load.finish()["void_reasons"]
            except GeneratorFailed as error:
                self.outcome.void[one.arm.name] = [str(error).splitlines()[0]]
            finally:
                one.load.end()
        self._look(is_final=True)

    def _close_books(self) -> None:
        for one in self.builds:
            self._tell(f"Checking the books of the {one.arm.name}")
            outcome, _ = one.arm.reconcile(self._folder / one.arm.name / "orders.jsonl")
            self.outcome.books[one.arm.name] = outcome.as_dict()

    def _say(self, one: Watched, what: str) -> None:
        self._tell(f"{one.now_s:5.1f} s  {one.arm.name:<13}  {what}")


def _watched(plan: Plan, runner: Runner, folder: Path, over: threading.Event) -> Watched:
    arm = Arm(runner.stack.name, runner, Parties.of(runner), Budget(None, None))
    out = folder / arm.name
    methods = ",".join(f"{name}:{weight:g}" for name, weight in plan.load.payment_methods.items())
    spec = arm.open_arrivals(
        out, profile=plan.load.profile, duration_s=plan.load.duration_s, mix=plan.load.mix, seed=plan.seed,
        extra=("--live", "--payment-methods", methods),
    )  # fmt: skip
    return Watched(arm, Beside(spec, generator.run), LiveReader(out), over)


def _planned(step: Step, names: set[str]) -> StepOutcome:
    builds = tuple(build for build in step.builds if build in names)
    expected: list[tuple[str, Condition]] = [(build, one) for build in builds for one in step.expected_of(build)]
    return StepOutcome(
        step.name, step.fault, step.part, dict(step.set), builds, step.at_s, step.for_s,
        predictions=[Prediction(build, str(one)) for build, one in expected],
    )  # fmt: skip
