"""Faults beside a load: what is broken when, what really happened, and an arm that is loaded while it happens."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.faults import during
from deploy.model.errors import DeployError
from deploy.runner.interface import Runner
from loadtests.engine import generator
from loadtests.engine.arm import SETTLE_S, Arm, Measured
from loadtests.engine.generator import Order
from loadtests.measure import accounting
from loadtests.measure.accounting import Reading
from loadtests.measure.books import Books
from loadtests.measure.impact import Struck
from loadtests.measure.reconcile import Reconciliation, reconcile

NOTHING = "nothing"
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Episode:
    """A fault that is injected `starts_s` after the measured start and healed `lasts_s` later."""

    name: str  # what the experiment calls it
    fault: str
    starts_s: float
    lasts_s: float
    part: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)


class Timeline:
    """Injects and heals in a thread of its own. `struck` tells what happened, in seconds from the measured start."""

    def __init__(self, runner: Runner, episodes: Sequence[Episode]) -> None:
        self.struck: list[Struck] = []
        self.healed_at = 0.0  # of time.monotonic: the end of the last fault
        self._runner, self._episodes = runner, episodes
        self._origin = 0.0
        self._stop = threading.Event()
        self._error: DeployError | None = None
        self._thread = threading.Thread(target=self._run, name="faults")

    def start(self) -> None:
        """Second 0 is now."""
        self._origin = time.monotonic()
        self._thread.start()

    def finish(self) -> None:
        """Heal what is broken, at once, and wait for it. Raises the DeployError that ended the timeline."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            for episode in self._episodes:
                self._wait_until(self._origin + episode.starts_s)
                if self._stop.is_set():
                    return
                self._strike(episode)
        except DeployError as error:
            self._error = error

    def _strike(self, episode: Episode) -> None:
        ends_at = self._origin + episode.starts_s + episode.lasts_s
        began_at = time.monotonic()
        if episode.fault == NOTHING:
            self._wait_until(ends_at)
            healing_at = self.healed_at = time.monotonic()
            broken_at = began_at
        else:
            with during(self._runner, episode.fault, episode.part, episode.parameters) as injected:
                broken_at = time.monotonic()
                self._wait_until(ends_at)
            healing_at, self.healed_at = injected.healing_at, injected.healed_at
        moments = (began_at, broken_at, healing_at, self.healed_at)
        self.struck.append(Struck(episode.name, *(moment - self._origin for moment in moments)))

    def _wait_until(self, moment: float) -> None:
        self._stop.wait(max(0.0, moment - time.monotonic()))


@dataclass(frozen=True)
class StruckArm(Arm):
    """An arm that is loaded while a timeline of faults runs. `seen` is filled by its reconciliation."""

    timeline: Timeline | None = None
    planted_poison: int = 0
    counts: bool = False  # whether no part is restarted, so that what the parts count stays with them
    seen: dict[str, float] = field(default_factory=dict)
    before_rest: Callable[[], None] = lambda: None  # what an operator does before anybody looks at the books
    counted: list[dict[str, Counter[str]]] = field(default_factory=list)

    def load(self, order: Order, *, memory: bool = True) -> Measured:
        """Load the arm as ever, with faults. CPU of parts that were restarted is not known, so little is read."""
        assert self.timeline is not None
        before: list[Reading] = []

        def begin() -> None:
            assert self.timeline is not None
            self.timeline.start()
            self.counted.append(accounting.counters(self.runner) if self.counts else {})
            before.append(accounting.take(self.runner))

        try:
            summary = generator.run(order, begin)
        finally:
            self.timeline.finish()
        time.sleep(SETTLE_S)
        after = accounting.take(self.runner)
        return Measured(summary, accounting.between(before[0], after), after, {})

    def reconcile(self, orders: Path | None) -> tuple[Reconciliation, Books]:
        """Wait for rest, check the books, and note how long after the last healing they were closed."""
        assert self.timeline is not None
        if self.counts:
            self._note_calls()
        self.before_rest()
        began_at = time.monotonic()
        outcome, books = reconcile(self.parties, orders, planted_poison=self.planted_poison)
        self.seen["books_closed_s"] = began_at + outcome.waited_s - self.timeline.healed_at
        return outcome, books

    def _note_calls(self) -> None:
        """Ask for counters until all parts answer, or for long enough: one may be busy with what nobody waits for."""
        give_up_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_at:
            try:
                grown = accounting.counted_between(self.counted[0], accounting.counters(self.runner))
            except OSError:
                time.sleep(1)
            else:
                self.seen["calls_to_payments"] = grown.get("orders", {}).get("calls to payments", 0)
                return
