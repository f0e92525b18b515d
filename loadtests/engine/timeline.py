"""Faults beside a load: what is broken when, and what really happened."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from deploy.faults import during
from deploy.runner.interface import Runner
from loadtests.measure.impact import FaultWindow

NOTHING = "nothing"


class LoadClock(Protocol):
    """What a timeline knows of its load: generator.Beside, or who ends the timeline sooner. Times as there."""

    @property
    def began_at(self) -> float:
        """When the measured part began, of time.monotonic."""

    @property
    def now_s(self) -> float:
        """Seconds since then."""

    def wait_until(self, second: float) -> bool:
        """Wait for this second; return whether to go on."""


@dataclass(frozen=True)
class Episode:
    """A fault that is injected `starts_s` after the measured start and healed `lasts_s` later."""

    name: str  # what the experiment calls it
    fault: str
    starts_s: float
    lasts_s: float
    part: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Timeline:
    """Injects faults and heals them beside a load, at once where the load ends early. Raises DeployError.

    `windows` tells what happened, `healed_at` when the last fault was healed (of time.monotonic). `turn` is held
    while a fault is injected or healed: a lock, where several timelines break the same stack.
    """

    runner: Runner
    episodes: Sequence[Episode]
    windows: list[FaultWindow] = field(default_factory=list)
    healed_at: float = 0.0
    turn: AbstractContextManager[object] = field(default_factory=nullcontext)

    def __call__(self, load: LoadClock) -> None:
        """Go through the episodes; those are left out that the load does not live to see."""
        for episode in self.episodes:
            if not load.wait_until(episode.starts_s):
                return
            began_s, ends_s = load.now_s, episode.starts_s + episode.lasts_s
            if episode.fault == NOTHING:
                load.wait_until(ends_s)
                broken_s, healing_at = began_s, time.monotonic()
                self.healed_at = healing_at
            else:
                what = (episode.fault, episode.part, episode.parameters)
                with during(self.runner, *what, turn=self.turn) as injected:
                    broken_s = load.now_s
                    load.wait_until(ends_s)
                healing_at, self.healed_at = injected.healing_at, injected.healed_at
            healing_s, healed_s = healing_at - load.began_at, self.healed_at - load.began_at
            self.windows.append(FaultWindow(episode.name, began_s, broken_s, healing_s, healed_s))
