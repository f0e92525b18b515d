"""Moves a module out of a running monolith, or back, step by step; a step that breaks a bound goes back by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg

from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.model.extraction import ORDER, ExtractionState
from migration import broker, copying
from migration.copying import Copy
from migration.crossing import crossing, gates_of, now_extracted
from migration.plans import MONOLITH, PLANS, ExtractionPlan, come_to_rest, database_of, hand_over_events, listen
from migration.watch import BoundBroken, Bounds, keep_watch

OWNER = "migration"
STAGES = (10, 50, 100)  # percent
GATES_OPEN_WITHIN_S = 5.0  # of a monolith that was just started
LOOK_EVERY_S = 0.05
ANSWERED_WITHIN_S = 0.5


@dataclass(frozen=True)
class MoveStep:
    """One step of a move: when it began (seconds from the move's start) and how long it took."""

    name: str
    at_s: float
    took_s: float


@dataclass
class MoveReport:
    """What a move did. `gates_closed_ms`: how long requests to the monolith waited at most."""

    module: str
    direction: str
    steps: list[MoveStep] = field(default_factory=list)
    records: int = 0
    copied: int = 0
    caught_up: int = 0
    lag_ms: float = 0.0
    gates_closed_ms: float = 0.0
    took_s: float = 0.0


class Mover:
    """Moves modules of the monolith that `runner` runs.

    `stage_s`: how long each share is watched. `settings` are given to services, by name, in place of the topology's.
    """

    def __init__(
        self,
        runner: LocalRunner,
        *,
        bounds: Bounds | None = None,
        stage_s: float = 3.0,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        if runner.stack.name != "monolith" or not runner.status().up:
            raise DeployError("Only modules of a monolith that is up can be moved: `twinshop up monolith`.")
        self._runner, self._bounds, self._stage_s, self._tell = runner, bounds or Bounds(), stage_s, tell
        self._settings = settings or {}
        self._began = 0.0
        self._report = MoveReport("", "")

    def out(self, name: str) -> MoveReport:
        """Move a module out. Raises BoundBroken after having gone back, DataDiffers, DeployError."""
        extraction = self._runner.extraction
        self._require(
            name, ORDER[len(extraction.extracted)] if len(extraction.extracted) < len(ORDER) else "", extraction, "out"
        )
        plan = self._begin(name, "out")
        with self._step("start the service"):
            self._runner.reshape(
                ExtractionState(extraction.extracted, name), {name: {**self._settings.get(name, {}), **plan.first()}}
            )
            broker.purge_handled(self._broker_url)
        with self._step("let the monolith know of it"):
            self._make_extractable()
        if name not in self._extracted_in_the_database():  # else a mover died after the crossing
            try:
                self._cross_over(plan, extraction)
            except BaseException:
                if name not in self._extracted_in_the_database():  # else the service has it: `migrate` again goes on
                    with self._step("go back"):
                        self._share_out([])
                        self._runner.reshape(extraction)
                raise
        if plan.is_deaf_at_first:
            with self._step("let the service hear of events"):
                listen(self._runner, plan)
        try:
            self._shift(name, "requests", plan.all_of_it, MONOLITH)
        except BoundBroken as broken:
            self._come_back(plan, extraction.extracted)
            raise BoundBroken(f"{broken} {name} is in the monolith again.") from broken
        with self._step("retire the module"):
            copying.empty(plan.module, "monolith", database_of(self._runner, "monolith", name))
            self._runner.reshape(ExtractionState((*extraction.extracted, name)))
            self._share_out([])
        return self._end()

    def back(self, name: str) -> MoveReport:
        """Move a module back in. Raises DataDiffers, DeployError; the service goes on then."""
        extraction = self._runner.extraction
        self._require(
            name,
            extraction.in_transit or (extraction.extracted[-1] if extraction.extracted else ""),
            extraction,
            "back",
        )
        plan = self._begin(name, "back")
        with self._step("start the monolith's side"):
            self._runner.reshape(replace(extraction, in_transit=name))
            self._make_extractable()
        others = tuple(module for module in extraction.extracted if module != name)
        if name in self._extracted_in_the_database():
            self._come_back(plan, others)
        else:  # a mover died: before the crossing on the way out, or after it on the way back
            self._stop_service(plan, others)
        return self._end()

    def _cross_over(self, plan: ExtractionPlan, extraction: ExtractionState) -> None:
        with self._copying(plan, "monolith") as copy:
            self._shift(plan.module.name, "reads", plan.reading)
            self._cross(plan, copy, (*extraction.extracted, plan.module.name))

    def _come_back(self, plan: ExtractionPlan, out: tuple[str, ...]) -> None:
        """Copy back what the service has, let the monolith hand everything on to it, and cross."""
        name = plan.module.name
        with self._copying(plan, "service") as copy:
            try:
                self._shift(MONOLITH, "requests", plan.back)
                self._cross(plan, copy, out)
            except BaseException:
                if plan.stops:
                    self._runner.release(name)
                self._share_out([])
                raise
        self._stop_service(plan, out)

    def _stop_service(self, plan: ExtractionPlan, out: tuple[str, ...]) -> None:
        with self._step("stop the service"):
            for consumer in plan.consumers:
                broker.forget(self._broker_url, consumer)
            self._share_out(plan.back(100))
            self._runner.reshape(ExtractionState(out))
            self._share_out([])

    def _cross(self, plan: ExtractionPlan, copy: Copy, out: Sequence[str]) -> None:
        """Close the gates, let everything come to rest, apply what is left, verify, and change the owner."""
        with self._step("cross"):
            url = database_of(self._runner, "monolith", plan.module.name)
            began = time.monotonic()
            with crossing(url, self._replicas()) as connection:
                if copy.source == "service":
                    come_to_rest(self._runner, plan)
                copy.catch_up()
                self._report.records = copy.verify()
                copy.release()
                if copy.source == "service":
                    hand_over_events(self._runner, plan)
                copy.is_a_copy = False
                now_extracted(connection, out)
            self._report.gates_closed_ms = 1000 * (time.monotonic() - began)
            time.sleep(ANSWERED_WITHIN_S)  # who waited at the gate is answered now: that is no figure of what comes

    @contextmanager
    def _copying(self, plan: ExtractionPlan, source: str) -> Iterator[Copy]:
        urls = {side: database_of(self._runner, side, plan.module.name) for side in ("monolith", "service")}
        copy = Copy(plan.module, source, urls)
        try:
            with self._step("copy"):
                copy.start()
            yield copy
        except BaseException:
            copy.stop()
            if copy.is_a_copy:
                copying.empty(plan.module, copy.target, urls[copy.target])
            raise
        finally:
            copy.stop()
            progress = copy.progress
            self._report.copied, self._report.caught_up = progress.copied, progress.caught_up
            self._report.lag_ms = progress.lag_ms

    def _shift(self, to: str, what: str, shares: Callable[[int], Sequence[object]], *also: str) -> None:
        """Give a part more and more of the requests, as long as it, and who else is watched, answers them well."""
        edge = self._runner.stack.part("edge").admin
        for percent in STAGES:
            with self._step(f"{percent} % of {what} to {to}"):
                self._share_out(shares(percent))
                keep_watch(edge, (to, *also), self._bounds, self._stage_s)

    def _make_extractable(self) -> None:
        """Restart the monolith's replicas with what they need for modules to leave, one after the other."""
        replicas = self._replicas()
        url = self._runner.stack.part(MONOLITH).environment["DATABASE_URL"]
        give_up_at = time.monotonic() + (GATES_OPEN_WITHIN_S if self._runner.extraction.extracted else 0)
        with psycopg.connect(url, autocommit=True) as connection:
            while gates_of(connection) < replicas:
                if time.monotonic() >= give_up_at:
                    break
                time.sleep(LOOK_EVERY_S)
            else:
                return
        self._runner.scale(MONOLITH, replicas + 1)  # one more, so that somebody serves while the others restart
        for replica in range(replicas):
            self._runner.restart(f"{MONOLITH}.{replica}")
        self._runner.scale(MONOLITH, replicas)

    def _replicas(self) -> int:
        return sum(one.part == MONOLITH for one in self._runner.status().instances)

    def _extracted_in_the_database(self) -> list[str]:
        with psycopg.connect(self._runner.stack.part(MONOLITH).environment["DATABASE_URL"]) as connection:
            row = connection.execute("SELECT extracted FROM extraction").fetchone()
            return list(row[0]) if row else []

    @property
    def _broker_url(self) -> str:
        return self._runner.stack.broker_url

    def _share_out(self, shares: Sequence[object]) -> None:
        self._runner.set_weights(OWNER, shares)  # type: ignore[arg-type]

    def _require(self, name: str, next_one: str, extraction: ExtractionState, direction: str) -> None:
        if name not in ORDER:
            raise DeployError(f"There is no module '{name}'; there are {', '.join(ORDER)}.")
        if extraction.in_transit and extraction.in_transit != name:
            raise DeployError(f"{extraction.in_transit} is half-way: move it first, out or --back.")
        if name != next_one:
            where = "is out already" if name in extraction.extracted else "is in"
            hint = f"the next one {direction} is {next_one}" if next_one else f"there is none left to move {direction}"
            raise DeployError(f"{name} {where}; {hint}.")

    def _begin(self, name: str, direction: str) -> ExtractionPlan:
        self._began = time.monotonic()
        self._report = MoveReport(name, direction)
        return PLANS[name]

    def _end(self) -> MoveReport:
        self._report.took_s = time.monotonic() - self._began
        return self._report

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except psycopg.Error as error:
            raise DeployError(f"{self._report.module}, {name}: a database refused: {error}".strip()) from error
        finally:
            step = MoveStep(name, began - self._began, time.monotonic() - began)
            self._report.steps.append(step)
            self._tell(f"{step.at_s:6.1f} s  {name} ({step.took_s:.2f} s)")
