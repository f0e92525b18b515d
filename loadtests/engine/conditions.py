"""An arm under a condition: one build with settings of its own, up alone, with its data and its cores."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from deploy import stacks
from deploy.faults import heal_everything, injected_faults
from deploy.model.errors import Unsupported
from deploy.runner.console import StartProgress
from deploy.runner.interface import Runner
from deploy.stacks import runner_for
from loadtests.engine.arm import Arm
from loadtests.engine.budgets import Budget
from loadtests.measure.parties import Parties

Settings = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Condition:
    """What an arm is called, which stack it is, and what is set otherwise than usual, by part."""

    name: str
    stack: str
    settings: Settings = field(default_factory=dict)

    @property
    def has_broker(self) -> bool:
        """Whether events travel through a broker."""
        return self.stack != "monolith"


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
def arm_up(condition: Condition, budget: Budget, *, armed: bool = False) -> Iterator[Arm]:
    """Have a stack with these settings as an arm.

    Afterwards everything is healed and set back, and stopped if it was down.

    `armed`: its modules can be told to misbehave, so that no restart is needed in the middle of a load.
    """
    runner = runner_for(condition.stack)
    was_up = runner.status().up
    _up(runner)
    settings = {part: dict(values) for part, values in condition.settings.items()}
    if armed:
        for part in runner.stack.parts:
            if part.kind == "app":
                settings.setdefault(part.name, {})[injected_faults.SETTING] = str(injected_faults.file_of(runner))
    try:
        for name, values in settings.items():
            runner.configure(name, values)
        _bind(runner, budget.build)
        yield Arm(condition.name, runner, Parties.of(runner), budget)
    finally:
        heal_everything(runner)
        _bind(runner, None)
        if was_up:
            for name, values in settings.items():
                runner.configure(name, dict.fromkeys(values))
        else:
            runner.down()


def _up(runner: Runner) -> None:
    if runner.status().up:
        return
    with StartProgress({runner.stack.name: len(runner.stack.parts)}) as progress:
        stacks.up([runner], {}, progress.watch)


def _bind(runner: Runner, cores: tuple[int, ...] | None) -> None:
    with contextlib.suppress(Unsupported):
        runner.pin(cores)
