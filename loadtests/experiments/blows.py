"""Random blows at a stack, from a seed: processes killed and frozen, databases and the broker killed, one at a time."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from deploy.parts import Part
from deploy.runner import Runner
from loadtests.experiments.timeline import Timeline
from loadtests.generator.history import OrderCall

Kind = Literal["kill", "database", "broker", "pause"]
# How often each comes: issue figures are 200 kills to 30 restarts of databases and of the broker.
WEIGHTS: dict[Kind, int] = {"kill": 20, "database": 4, "broker": 4, "pause": 3}
BETWEEN_S = (0.5, 2.5)
PAUSES_S = (0.3, 2.0)
BACK_WITHIN_S = 60.0
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Blow:
    """What was struck. Times are seconds since the epoch; `back_at` is when the part was ready again, 0 if never."""

    kind: Kind
    part: str
    at: float
    back_at: float


class Blows(Timeline):
    """A timeline that strikes at random until the load ends. The same seed chooses the same parts in the same order."""

    def __init__(self, runner: Runner, seed: int, lasts_s: float) -> None:
        super().__init__(runner, ())
        self.dealt: list[Blow] = []
        self._chance = random.Random(seed)
        self._lasts_s = lasts_s

    def _run(self) -> None:
        ends_at = self._origin + self._lasts_s
        while not self._stop.is_set() and time.monotonic() < ends_at:
            self._stop.wait(self._chance.uniform(*BETWEEN_S))
            kind, part = choose(self._chance, self._runner.stack.parts)
            self.dealt.append(self._deal(kind, part))
        self.healed_at = time.monotonic()

    def _deal(self, kind: Kind, part: Part) -> Blow:
        at, before = time.time(), self._deaths(part.name)
        if kind == "pause":
            self._runner.pause(part.name)
            self._stop.wait(self._chance.uniform(*PAUSES_S))
            self._runner.resume(part.name)
            return Blow(kind, part.name, at, time.time())
        self._runner.kill(part.name)
        deadline = time.monotonic() + BACK_WITHIN_S
        while self._deaths(part.name) == before:
            if time.monotonic() > deadline:
                return Blow(kind, part.name, at, 0.0)
            time.sleep(LOOK_EVERY_S)
        # At once: its supervisor would let a part that dies again and again wait longer and longer.
        self._runner.release(part.name)
        return Blow(kind, part.name, at, time.time())

    def _deaths(self, part: str) -> int:
        return sum(one.restarts for one in self._runner.status().instances if one.part == part)


def choose(chance: random.Random, parts: Sequence[Part]) -> tuple[Kind, Part]:
    """Return the next blow: a kind by its weight, then a part that it can strike. The edge stays: it is neither's."""
    apps = [part for part in parts if part.kind == "app"]
    targets: dict[Kind, list[Part]] = {
        "kill": apps,
        "database": [part for part in parts if part.kind == "postgres"],
        "broker": [part for part in parts if part.kind == "nats"],
        "pause": apps,
    }
    kinds = [kind for kind in WEIGHTS if targets[kind]]
    kind = chance.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
    return kind, chance.choice(targets[kind])


def first_good_orders(blows: Iterable[Blow], calls: Sequence[OrderCall]) -> list[float]:
    """Return, for each kill after which its part came back, the seconds from then to the first good order's answer.

    A good order is one sent after that moment and answered 201 or 202. A kill after which no order was sent, because
    the load had ended, is left out.
    """
    placed = sorted((call for call in calls if call.kind == "place"), key=lambda call: call.sent_at)
    waits: list[float] = []
    for blow in blows:
        if blow.kind == "pause" or not blow.back_at:
            continue
        answered = [call.answered_at for call in placed if call.sent_at >= blow.back_at and call.status in (201, 202)]
        if answered:
            waits.append(min(answered) - blow.back_at)
    return waits
