"""The rungs of the overhead ladder: which stack each one is, with which settings, and how it is taken there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from deploy.model.parts import VARIANT
from deploy.runner.interface import Runner
from loadtests.engine.arm import Arm
from loadtests.measure.views import wait_until_finished

DRAINED_WITHIN_S = 30.0
Settings = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Rung:
    """One way to run the shop. `settings` are by part; `holds` is a part that is down while the rung is measured."""

    name: str
    stack: str
    what: str
    settings: Settings = field(default_factory=dict)
    holds: str = ""


def ladder(services: Runner) -> tuple[Rung, ...]:
    """Return the rungs from the bottom to the top; each is the one below with one thing added."""
    site = services.site
    past_envoy = {f"{name.upper()}_URL": site.url("microservices", name) for name in ("catalog", "payments")}
    return (
        Rung("monolith", "monolith", "one process, one database"),
        Rung("colocated", "colocated", "framework, data split in four, events"),
        Rung("direct", "microservices", "processes and the HTTP between them", {"orders": past_envoy}),
        Rung("microservices", "microservices", "Envoy between the services"),
    )


AGAIN = Rung("monolith-again", "monolith", "the monolith once more: the A/A gate")
# A list passes the edge and the catalog alone: without Envoy between the services nothing is different for it.
LISTED = ("monolith", "colocated", "microservices")


def ablations() -> tuple[Rung, ...]:
    """Return a rung with one thing taken away or exchanged; each of them changes the work."""
    no_tokens, plain = {VARIANT: "no_tokens"}, {VARIANT: "plain_httpx"}
    parts = ("catalog", "orders", "payments")
    return (
        Rung("no-tokens", "microservices", "no tokens between services", dict.fromkeys(parts, no_tokens)),
        Rung("no-events", "microservices", "events and mails put off", holds="broker"),
        Rung("plain-httpx", "microservices", "httpx as it comes", dict.fromkeys(parts[1:], plain)),
    )


def beside(rung: Rung) -> str:
    """Return the rung of the ladder that an ablation is compared with."""
    return "monolith" if rung.stack == "monolith" else "microservices"


class Switch:
    """Takes a stack from rung to rung: changes the settings that differ, which restarts the parts concerned."""

    def __init__(self, arms: Mapping[str, Arm]) -> None:
        self._arms = arms
        # What a stack that was up before had been given is taken away for the ladder, and given back afterwards.
        self._before = {name: _without_the_common(arm) for name, arm in arms.items()}
        self._now = dict(self._before)

    def to(self, rung: Rung) -> bool:
        """Bring the rung's stack to its settings; True if anything was restarted, so that it has to be warmed."""
        now, wanted = self._now[rung.stack], rung.settings
        changes: dict[str, dict[str, str | None]] = {}
        for part in {*now, *wanted}:
            before, after = now.get(part, {}), wanted.get(part, {})
            if before != after:
                changes[part] = {name: after.get(name) for name in {*before, *after}}
        runner = self._arms[rung.stack].runner
        self._now[rung.stack] = wanted  # before it is done: if it is broken off, it has to be taken back too
        if changes:
            with ThreadPoolExecutor(len(changes)) as pool:
                list(pool.map(lambda part: runner.configure(part, changes[part]), changes))
        return bool(changes)

    def back(self) -> None:
        """Bring every stack to the settings that it had."""
        for name, settings in self._before.items():
            self.to(Rung("", name, "", settings))


def _without_the_common(arm: Arm) -> Settings:
    """Return what was set for single parts; `*` holds for all rungs alike."""
    return {part: given for part, given in arm.runner.status().environment.items() if part != "*" and given}


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
