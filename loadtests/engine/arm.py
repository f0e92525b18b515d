"""An arm of a comparison: a running build, how it is given fresh data, loaded, measured and reconciled."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deploy import stacks
from deploy.faults import databases, heal_everything, injected_faults
from deploy.model.checkout import Checkout
from deploy.model.errors import DeployError, Unsupported
from deploy.model.ports import MAX_REPLICAS
from deploy.runner.console import StartProgress
from deploy.runner.interface import Runner
from deploy.stacks import runner_for
from loadtests.engine import generator
from loadtests.engine.budgets import Budget
from loadtests.engine.generator import Generate, LoadSpec, Meanwhile
from loadtests.load.elsewhere import ShopElsewhere
from loadtests.measure import accounting
from loadtests.measure.accounting import Reading, Spent
from loadtests.measure.books import Books
from loadtests.measure.parties import Parties
from loadtests.measure.reconcile import Reconciliation, reconcile
from loadtests.report.words import TWIN, slug

# Mails and events that a run has caused are its cost too; by then they are done.
SETTLE_S = 1.0
PATIENCE_S = 30.0
WARM_CLIENTS = 8
Settings = Mapping[str, Mapping[str, str]]  # by part


@dataclass(frozen=True)
class ArmSpec:
    """An arm that is to be started: a stack under a name of its own, and what is set otherwise than usual, by part.

    `extras`: what it has beside the four modules. `checkout`: the commit that it runs, where that is another. `on`: the
    place where it runs, where that is said. A `shop` that somebody else runs is not started at all.
    """

    name: str
    stack: str
    settings: Settings = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    checkout: Checkout | None = None
    on: str = ""
    shop: ShopElsewhere | None = None

    @property
    def twin(self) -> ArmSpec:
        """The same once more, to be started apart."""
        return replace(self, name=self.name + TWIN)

    @property
    def has_broker(self) -> bool:
        """Whether events travel through a broker."""
        return self.stack != "monolith"


BUILDS = (ArmSpec("monolith", "monolith"), ArmSpec("microservices", "microservices"))


@dataclass(frozen=True)
class Measured:
    """What one load of an arm came to."""

    summary: dict[str, Any]
    spent: Spent
    after: Reading
    counted: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Arm:
    """One build that is up. `budget` says where it and its load run."""

    name: str
    runner: Runner
    parties: Parties
    budget: Budget

    @classmethod
    def of(cls, name: str, budget: Budget) -> Arm:
        """Return the arm of a stack that is up."""
        runner = runner_for(name)
        return cls(name, runner, Parties.of(runner), budget)

    @property
    def is_elsewhere(self) -> bool:
        """Whether somebody else runs it: it has an address, and nothing of it is seen from inside."""
        return self.parties.are_public

    def again(self) -> Arm:
        """Return the same running build under another name: what the A/A gate compares it with."""
        return replace(self, name=f"{self.name}-again")

    def fresh_data(self, products: int) -> None:
        """Truncate, seed, analyse, checkpoint; the provider's ledger and the mails are emptied, too. No restart."""
        self.runner.reset(products)
        for part in self.runner.stack.parts:
            if part.kind == "postgres":  # what seeding has left to write is not to be the next run's work
                with databases.connected(self.runner, part, superuser=True) as connection:
                    connection.execute("CHECKPOINT")

    def open_arrivals(
        self, out: Path, *, profile: str, duration_s: float, mix: str, seed: int, warm_up_s: float = 0.0,
        extra: Sequence[str] = (),
    ) -> LoadSpec:  # fmt: skip
        """Specify open arrivals: `profile` as loadtests.load.generator.profile reads it takes `duration_s`."""
        arguments = ["--profile", profile, "--warm-up", str(warm_up_s), *extra]
        return self._spec(generator.OPEN, out, duration_s + warm_up_s, mix, seed, arguments)

    def closed_loop(self, out: Path, *, clients: int, duration_s: float, mix: str, seed: int) -> LoadSpec:
        """Specify `clients` that each send the next request when the last is answered: for CPU per unit of work."""
        arguments = ["--clients", str(clients), "--duration", str(duration_s)]
        return self._spec(generator.CLOSED, out, duration_s, mix, seed, arguments)

    def _spec(
        self, module: str, out: Path, lasts_s: float, mix: str, seed: int, arguments: Sequence[str]
    ) -> LoadSpec:  # fmt: skip
        common = ["--host", self.runner.address, "--tokens-from", self.parties.identity, "--out", str(out)]
        common += ["--mix", mix, "--seed", str(seed)]
        common += ["--cores", ",".join(map(str, self.budget.other))] if self.budget.other else []
        return LoadSpec(module, [*common, *arguments], out, timeout_s=lasts_s + generator.SLACK_S)

    def load(
        self, spec: LoadSpec, *, memory: bool = True, meanwhile: Meanwhile = generator.nothing,
        generate: Generate = generator.run,
    ) -> Measured:  # fmt: skip
        """Let a generator run, and `meanwhile` beside it; return what the parts used until all was done.

        What parts count of themselves is left out where one was restarted.
        """
        with generator.beside(spec, generate) as load:
            # CPU first: asking every part what it counts takes a while, and longer where there are more parts.
            before, counters = accounting.take(self.runner), accounting.counters(self.runner)
            meanwhile(load)
            summary = load.finish()
        time.sleep(SETTLE_S)
        after = accounting.take(self.runner, memory=memory)
        spent = accounting.between(before, after)
        return Measured(summary, spent, after, {} if spent.restarted else self._counted_since(counters))

    def _counted_since(self, before: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
        """Ask until all parts answer, or for long enough: one may be busy with what nobody waits for any more."""
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                return accounting.counted_between(before, accounting.counters(self.runner))
            except OSError:
                if time.monotonic() > give_up_at:
                    return {}
                time.sleep(1)

    def warm(self, folder: Path, generate: Generate, *, seconds: float, seed: int) -> dict[str, Any]:
        """Send orders as fast as they are answered, so that code, pools and statements are warm; keep their history.

        Returns the generator's summary.
        """
        out = folder / f"warm-{slug(self.name)}-{time.monotonic_ns()}-order"
        spec = self.closed_loop(out, clients=WARM_CLIENTS, duration_s=seconds, mix="orders-only", seed=seed)
        return generate(spec, lambda: None, lambda _: None)

    def reconcile(self, orders: Path | None) -> tuple[Reconciliation, Books]:
        """Wait until the arm is at rest and check its books against the client's history."""
        return reconcile(self.parties, orders)


@contextlib.contextmanager
def arms_up(names: Sequence[str], budget: Budget, *, keep: bool) -> Iterator[dict[str, Arm]]:
    """Bring stacks up, bind them to their cores, and yield them as arms.

    Afterwards nothing is bound any more, and what was not up before is stopped, unless it is to be kept.
    """
    # The services colocated are never offered beside the services; an experiment that compares them knows why.
    first = [name for name in names if name != "colocated"] or list(names)
    runners = [runner_for(name) for name in stacks.with_outside(first)]
    extra = [runner_for(name) for name in names if name not in first]
    for runner in runners:
        if runner.stack.extracted:
            raise DeployError("The monolith has modules out, so it is none: `twinshop migrate --back` them first.")
    was_up = {runner.stack.name for runner in (*runners, *extra) if runner.status().up}
    with StartProgress({runner.stack.name: len(runner.stack.parts) for runner in (*runners, *extra)}) as progress:
        stacks.up(runners, {}, progress.watch)
        try:
            for runner in extra:
                runner.up(watch=progress.watch)
        except BaseException:
            stacks.down([runner.stack.name for runner in runners if runner.stack.name not in was_up])
            raise
    everybody = (*runners, *extra)
    finished = False
    try:
        for runner in everybody:
            _bind(runner, budget.other if runner.stack.name == "outside" else budget.build)
            if budget.workers > 1:
                staff(runner, budget.workers)
        yield {name: Arm.of(name, budget) for name in names}
        finished = True
    finally:
        for runner in everybody:
            _bind(runner, None)
            if budget.workers > 1 and runner.stack.name in was_up:
                staff(runner, 1)
        if not (keep and finished):
            for runner in (*extra, *runners[::-1]):
                if runner.stack.name not in was_up:
                    runner.down()


@contextlib.contextmanager
def outside_up(budget: Budget) -> Iterator[None]:
    """Have the outside world for the length of the block; it stays if it was up before."""
    runner = runner_for("outside")
    was_up = runner.status().up
    _up(runner)
    _bind(runner, budget.other)
    try:
        yield
    finally:
        _bind(runner, None)
        if not was_up:
            runner.down()


@contextlib.contextmanager
def arm_up(spec: ArmSpec, budget: Budget, *, armed: bool = False) -> Iterator[Arm]:
    """Have a stack with these settings as an arm.

    Afterwards everything is healed and set back, and stopped if it was down.

    `armed`: its modules can be told to misbehave, so that no restart is needed in the middle of a load.
    """
    runner = runner_for(spec.stack)
    was_up = runner.status().up
    _up(runner)
    settings = {part: dict(values) for part, values in spec.settings.items()}
    if armed:
        for part in runner.stack.parts:
            if part.kind == "app":
                settings.setdefault(part.name, {})[injected_faults.SETTING] = str(injected_faults.file_of(runner))
    try:
        for name, values in settings.items():
            runner.configure(name, values)
        _bind(runner, budget.build)
        if budget.workers > 1:
            staff(runner, budget.workers)
        yield Arm(spec.name, runner, Parties.of(runner), budget)
    finally:
        heal_everything(runner)
        _bind(runner, None)
        if was_up:
            for name, values in settings.items():
                runner.configure(name, dict.fromkeys(values))
            if budget.workers > 1:
                staff(runner, 1)
        else:
            runner.down()


def _up(runner: Runner) -> None:
    if runner.status().up:
        return
    with StartProgress({runner.stack.name: len(runner.stack.parts)}) as progress:
        stacks.up([runner], {}, progress.watch)


def staff(runner: Runner, replicas: int) -> None:
    """Give each part of a build so many replicas, as many as there can be."""
    counts = Counter(one.part for one in runner.status().instances)
    for part in runner.stack.parts:
        if part.scalable and counts[part.name] != min(replicas, MAX_REPLICAS):
            runner.scale(part.name, min(replicas, MAX_REPLICAS))


def _bind(runner: Runner, cores: Sequence[int] | None) -> None:
    with contextlib.suppress(Unsupported):
        runner.pin(cores)
