"""Random blows at a stack, from a seed, in volleys: processes killed and frozen, databases and the broker killed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from deploy.model.errors import DeployError
from deploy.model.parts import Part
from deploy.runner.interface import Runner
from loadtests.engine.timeline import Timeline
from loadtests.load.generator.history import OrderCall

Kind = Literal["kill", "database", "broker", "pause"]
# Blows come from decks that are shuffled, so that a run has met its share of each kind however short it is. Ten decks
# are 200 kills to 30 restarts of databases and of the broker.
DECK: dict[Kind, int] = {"kill": 20, "database": 3, "broker": 3, "pause": 2}
DECK_S = 45.0
CALM_S = 6.0  # at the end of each: an order at a bank that never answers is `payment_pending` only after two seconds
AT_ONCE = 3  # the most parts that one volley strikes
APART_S = 0.6  # the second falls while the first is away or just starting
REST_S = (0.25, 0.6)  # what a struck stack has to work in before the next volley, however late that is
PAUSES_S = (0.3, 2.0)
BACK_WITHIN_S = 60.0
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Stroke:
    """A blow that is planned: `after_s` from the start of its volley; a pause lasts `pause_s`."""

    kind: Kind
    part: str
    after_s: float
    pause_s: float


@dataclass(frozen=True)
class Blow:
    """What was struck. Times are seconds since the epoch; `back_at` is when the part was ready again, 0 if never."""

    kind: Kind
    part: str
    at: float
    back_at: float
    volley: int = 0


class Blows(Timeline):
    """A timeline that strikes at random until the load ends. The same seed chooses the same volleys in the same order.

    Volleys are due at random moments. One that is late is caught up with: what the last one struck is waited for, and
    little more than that.
    """

    def __init__(self, runner: Runner, seed: int, lasts_s: float) -> None:
        super().__init__(runner, ())
        self.dealt: list[Blow] = []
        self._chance = random.Random(seed)
        self._lasts_s = lasts_s
        self._commanding = threading.Lock()  # one command at a time; what takes long is the wait after it

    def _run(self) -> None:
        ends_at = self._origin + self._lasts_s
        plan = volleys(self._chance, self._runner.stack.parts)
        try:
            with ThreadPoolExecutor(AT_ONCE, "blow") as hands:
                for number, (due_s, strokes) in enumerate(plan):
                    rest_until = time.monotonic() + self._chance.uniform(*REST_S)
                    self._wait_until(max(rest_until, self._origin + due_s))
                    if self._stop.is_set() or time.monotonic() >= ends_at:
                        break
                    struck = [hands.submit(self._deal, stroke, number) for stroke in strokes]
                    self.dealt += [each.result() for each in struck]
        except DeployError as error:
            self._error = error
        self.healed_at = time.monotonic()

    def _deal(self, stroke: Stroke, volley: int) -> Blow:
        time.sleep(stroke.after_s)
        at, part = time.time(), stroke.part
        if stroke.kind == "pause":
            with self._commanding:
                self._runner.pause(part)
            time.sleep(stroke.pause_s)
            with self._commanding:
                self._runner.resume(part)
            return Blow(stroke.kind, part, at, time.time(), volley)
        before = self._deaths(part)
        with self._commanding:
            self._runner.kill(part)
        deadline = time.monotonic() + BACK_WITHIN_S
        while self._deaths(part) == before:
            if time.monotonic() > deadline:
                return Blow(stroke.kind, part, at, 0.0, volley)
            time.sleep(LOOK_EVERY_S)
        # At once: its supervisor would let a part that dies again and again wait longer and longer.
        self._runner.release(part)
        return Blow(stroke.kind, part, at, time.time(), volley)

    def _deaths(self, part: str) -> int:
        return sum(one.restarts for one in self._runner.status().instances if one.part == part)


def volleys(chance: random.Random, parts: Sequence[Part]) -> Iterator[tuple[float, list[Stroke]]]:
    """Return volleys without end, each with the second at which it is due: one deck after the other."""
    number = 0
    while True:
        groups = _grouped(chance, _shuffled(chance, parts))
        moments = sorted(chance.uniform(0, DECK_S - CALM_S) for _ in groups)
        for moment, group in zip(moments, groups, strict=True):
            strokes = [_planned(chance, kind, part, first=not place) for place, (kind, part) in enumerate(group)]
            yield number * DECK_S + moment, strokes
        number += 1


def _shuffled(chance: random.Random, parts: Sequence[Part]) -> list[tuple[Kind, str]]:
    """Return a deck for these parts, each card with a part that it can strike. The edge stays: it is neither's."""
    apps = [part.name for part in parts if part.kind == "app"]
    targets: dict[Kind, list[str]] = {
        "kill": apps,
        "database": [part.name for part in parts if part.kind == "postgres"],
        "broker": [part.name for part in parts if part.kind == "nats"],
        "pause": apps,
    }
    cards = [(kind, chance.choice(targets[kind])) for kind, count in DECK.items() if targets[kind]
             for _ in range(count)]  # fmt: skip
    chance.shuffle(cards)
    return cards


def _grouped(chance: random.Random, cards: Sequence[tuple[Kind, str]]) -> list[list[tuple[Kind, str]]]:
    """Cut a deck into volleys of one to three; no part is struck twice by the same."""
    groups: list[list[tuple[Kind, str]]] = []
    room = 0
    for kind, part in cards:
        if not room or any(part == other for _, other in groups[-1]):
            groups.append([])
            room = chance.randint(1, AT_ONCE)
        groups[-1].append((kind, part))
        room -= 1
    return groups


def _planned(chance: random.Random, kind: Kind, part: str, *, first: bool) -> Stroke:
    return Stroke(kind, part, 0.0 if first else chance.uniform(0, APART_S), chance.uniform(*PAUSES_S))


def first_good_orders(blows: Iterable[Blow], calls: Sequence[OrderCall]) -> list[float]:
    """Return, for each kill after which its part came back, the seconds from then to the first good order's answer.

    `Then` is when all that its volley struck was back: no order can be good while the catalog is away, however well
    payments have recovered. A good order is one sent after that moment and answered 201 or 202. A kill after which no
    order was sent, because the load had ended, is left out.
    """
    placed = sorted((call for call in calls if call.kind == "place"), key=lambda call: call.sent_at)
    waits: list[float] = []
    by_volley: dict[int, list[Blow]] = {}
    for blow in blows:
        by_volley.setdefault(blow.volley, []).append(blow)
    for volley in by_volley.values():
        whole_at = max(blow.back_at for blow in volley)
        kills = sum(blow.kind != "pause" for blow in volley)
        if not kills or not all(blow.back_at for blow in volley):
            continue
        answered = [call.answered_at for call in placed if call.sent_at >= whole_at and call.status in (201, 202)]
        if answered:
            waits += [min(answered) - whole_at] * kills
    return waits
