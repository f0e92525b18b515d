"""Injects a fault and heals it, whatever happens in between."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from deploy.envoy import faults
from deploy.faults import connections, full_disk, injected_faults, outside, read_only
from deploy.faults.databases import heal_each
from deploy.faults.injectors import CLOCK, INJECTORS, Heal
from deploy.faults.vocabulary import Fault, NoSuchFault, find, part_of
from deploy.model.errors import DeployError
from deploy.runner.interface import Runner

HEAL_TRIES = 3
NO_TURN = contextlib.nullcontext()


@dataclass
class ActiveFault:
    """A fault that is there until `heal` is called. Times are of time.monotonic; 0.0 is not yet."""

    fault: Fault
    part: str
    began_at: float
    _undo: Heal = field(repr=False)
    healing_at: float = 0.0
    healed_at: float = 0.0

    def heal(self) -> None:
        """Undo the fault and return when it is undone; once is enough. Raises DeployError if it cannot be."""
        if self.healed_at:
            return
        self.healing_at = self.healing_at or time.monotonic()
        for tries_left in reversed(range(HEAL_TRIES)):
            try:
                self._undo()
                break
            except DeployError:
                if not tries_left:
                    raise
                time.sleep(0.5)
        self.healed_at = time.monotonic()


def inject(runner: Runner, name: str, part: str = "", parameters: Mapping[str, float] | None = None) -> ActiveFault:
    """Start a fault on a stack that is up, and return its handle. Raises NoSuchFault, UnknownTarget, DeployError."""
    fault = find(name)
    settings = _parameters(fault, parameters or {})
    part = _required_part(runner, fault, part)
    began_at = time.monotonic()
    try:
        undo = INJECTORS[fault.injector](runner, fault, part, settings)
    except KeyboardInterrupt:  # half done, perhaps: nothing may stay behind
        heal_everything(runner)
        raise
    return ActiveFault(fault, part, began_at, undo)


@contextlib.contextmanager
def during(
    runner: Runner, name: str, part: str = "", parameters: Mapping[str, float] | None = None,
    *, turn: contextlib.AbstractContextManager[object] = NO_TURN,
) -> Iterator[ActiveFault]:  # fmt: skip
    """Have a fault for the length of the block; it is healed at the end of it in any case.

    `turn` is held while it is injected and while it is healed: a lock, where several faults strike one stack at once.
    """
    with turn:
        injected = inject(runner, name, part, parameters)
    try:
        yield injected
    finally:
        with turn:
            injected.heal()


def heal_everything(runner: Runner) -> list[str]:
    """Heal whatever is broken on purpose, whoever did it and however he ended. Returns what was healed."""
    healed = []
    for one in runner.status().instances:
        if one.state == "paused":
            runner.resume(one.instance)
            healed.append(f"{one.instance} goes on")
        elif one.state == "held":
            runner.release(one.instance)
            healed.append(f"{one.instance} runs again")
    healed += [f"{part} has room again" for part in heal_each(runner, full_disk.clear)]
    healed += [f"{part} takes writes again" for part in heal_each(runner, read_only.end_if_set)]
    healed += [f"{part} is disarmed" for part in injected_faults.disarm_all(runner)]
    healed += [f"{part} knows the time" for part in injected_faults.reset_setting(runner, CLOCK)]
    healed += [f"{one.name} goes straight again" for one in connections.restore_all(runner)]
    for part in runner.stack.parts:
        if part.kind == "envoy":
            apps = [one.name for one in runner.stack.parts if one.kind == "app"]
            for caller in (faults.CUSTOMER, faults.SERVICES):
                for app in apps:
                    runner.set_runtime(faults.healthy(caller, app))
    if runner.stack.merchant:
        with contextlib.suppress(DeployError):  # the outside world is down: nothing of it is left
            outside.heal_provider(runner.site, runner.stack.merchant)
            outside.set_mail_delay(runner.site, 0)
            outside.set_identity_away(runner.site, away=False)
    return healed


def _parameters(fault: Fault, settings: Mapping[str, float]) -> dict[str, float]:
    unknown = set(settings) - set(fault.parameters)
    if unknown:
        names = ", ".join(fault.parameters) or "no parameters"
        raise NoSuchFault(f"{fault.name} has {names}, not {', '.join(sorted(unknown))}.")
    return {**fault.parameters, **settings}


def _required_part(runner: Runner, fault: Fault, part: str) -> str:
    if fault.where == "broker":
        if not runner.stack.broker_url:
            raise NoSuchFault(f"{runner.stack.name} has no broker.")
        return "broker"
    if fault.where == "outside":
        return ""
    if not part:
        raise NoSuchFault(f"{fault.name} needs a part: --part payments, for instance.")
    if fault.where == "connection":
        connections.select(runner, part)
    else:
        part_of(runner.stack, part)
    return part
