"""Random faults in a stack, from a seed, in bursts: parts killed and frozen, and connections between them spoilt."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from deploy.faults import connections, inject
from deploy.model.parts import Part
from deploy.runner.interface import Runner
from loadtests.engine.generator import Beside
from loadtests.load.generator.history import OrderCall

Kind = Literal["kill", "database", "broker", "pause", "network"]
# Faults come from decks that are shuffled, so that a run has met its share of each kind however short it is. Ten decks
# are 200 kills to 30 restarts of databases and of the broker.
DECK: dict[Kind, int] = {"kill": 20, "database": 3, "broker": 3, "pause": 4, "network": 6}
KILLS: tuple[Kind, ...] = ("kill", "database", "broker")
DECK_S = 50.0
CALM_S = 6.0  # at the end of each: an order at a bank that never answers is `payment_pending` only after two seconds
AT_ONCE = 3  # the most parts that one burst hits
APART_S = 0.6  # the second falls while the first is away or just starting
REST_S = (0.25, 0.6)  # what a stack that was hit has to work in before the next burst, however late that is
PAUSES_S = (0.3, 2.0)
TROUBLES_S = (0.5, 4.0)  # longer than a transaction may be silent, and than services wait for an answer
TROUBLES: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("tcp-latency", {"ms": 100}),
    ("tcp-bandwidth", {"kb_s": 8}),
    ("tcp-reset", {}),
    ("tcp-reset", {"first": 2}),
    ("tcp-half-open", {}),
    ("tcp-half-open", {"first": 3}),
    ("tcp-limited", {"bytes": 1500}),
)
BACK_WITHIN_S = 60.0
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class PlannedFault:
    """A fault that is planned: `after_s` from the start of its burst; a pause, or a trouble, lasts `lasts_s`.

    `part` of a network fault is a connection, such as `orders:sql`; `trouble` and `parameters` say what happens to it.
    """

    kind: Kind
    part: str
    after_s: float
    lasts_s: float
    trouble: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What was hit. Times are seconds since the epoch; `back_at` is when the part was ready again, 0 if never."""

    kind: Kind
    part: str
    at: float
    back_at: float
    burst: int = 0
    trouble: str = ""


@dataclass
class ChaosSchedule:
    """Faults at random beside a load until it ends. The same seed chooses the same bursts in the same order.

    Bursts are due at random moments. One that is late is caught up with: what the last one hit is waited for, and
    little more than that. `healed_at` (of time.monotonic) is when nothing was broken any more.
    """

    runner: Runner
    seed: int
    lasts_s: float
    faults: list[Fault] = field(default_factory=list)
    healed_at: float = 0.0
    _command: threading.Lock = field(default_factory=threading.Lock)  # one at a time; what takes long is the wait

    def __call__(self, load: Beside) -> None:
        """Inject until the load is over. Raises DeployError."""
        chance = random.Random(self.seed)
        with ThreadPoolExecutor(AT_ONCE, "fault") as hands:
            for number, (due_s, burst) in enumerate(bursts(chance, self.runner.stack.parts)):
                rested_s = load.now_s + chance.uniform(*REST_S)
                if not load.wait_until(max(rested_s, due_s)) or load.now_s >= self.lasts_s:
                    break
                injected = [hands.submit(self._inject, planned, number) for planned in burst]
                self.faults += [each.result() for each in injected]
        self.healed_at = time.monotonic()

    def _inject(self, planned: PlannedFault, burst: int) -> Fault:
        time.sleep(planned.after_s)
        at, part = time.time(), planned.part
        if planned.kind == "pause":
            with self._command:
                self.runner.pause(part)
            time.sleep(planned.lasts_s)
            with self._command:
                self.runner.resume(part)
            return Fault(planned.kind, part, at, time.time(), burst)
        if planned.kind == "network":  # what is led through the proxy already is struck without a restart
            with self._command:
                active = inject(self.runner, planned.trouble, part, planned.parameters)
            time.sleep(planned.lasts_s)
            with self._command:
                active.heal()
            return Fault(planned.kind, part, at, time.time(), burst, planned.trouble)
        before = self._deaths(part)
        with self._command:
            self.runner.kill(part)
        deadline = time.monotonic() + BACK_WITHIN_S
        while self._deaths(part) == before:
            if time.monotonic() > deadline:
                return Fault(planned.kind, part, at, 0.0, burst)
            time.sleep(LOOK_EVERY_S)
        # At once: its supervisor would let a part that dies again and again wait longer and longer.
        self.runner.release(part)
        return Fault(planned.kind, part, at, time.time(), burst)

    def _deaths(self, part: str) -> int:
        return sum(one.restarts for one in self.runner.status().instances if one.part == part)


def bursts(chance: random.Random, parts: Sequence[Part]) -> Iterator[tuple[float, list[PlannedFault]]]:
    """Return bursts without end, each with the second at which it is due: one deck after the other."""
    number = 0
    while True:
        groups = _grouped(chance, _shuffled(chance, parts))
        moments = sorted(chance.uniform(0, DECK_S - CALM_S) for _ in groups)
        for moment, group in zip(moments, groups, strict=True):
            burst = [_planned(chance, kind, part, first=not place) for place, (kind, part) in enumerate(group)]
            yield number * DECK_S + moment, burst
        number += 1


def _shuffled(chance: random.Random, parts: Sequence[Part]) -> list[tuple[Kind, str]]:
    """Return a deck for these parts, each card with a part that it can hit. The edge stays: it is neither's."""
    apps = [part.name for part in parts if part.kind == "app"]
    targets: dict[Kind, list[str]] = {
        "kill": apps,
        "database": [part.name for part in parts if part.kind == "postgres"],
        "broker": [part.name for part in parts if part.kind == "nats"],
        "pause": [part.name for part in parts if part.kind != "envoy"],
        "network": [connection.name for connection in connections.opened_by(parts)],
    }
    cards = [(kind, chance.choice(targets[kind])) for kind, count in DECK.items() if targets[kind]
             for _ in range(count)]  # fmt: skip
    chance.shuffle(cards)
    return cards


def _grouped(chance: random.Random, cards: Sequence[tuple[Kind, str]]) -> list[list[tuple[Kind, str]]]:
    """Cut a deck into bursts of one to three; no part is hit twice by the same."""
    groups: list[list[tuple[Kind, str]]] = []
    room = 0
    for kind, part in cards:
        if not room or any(_owner(part) == _owner(other) for _, other in groups[-1]):
            groups.append([])
            room = chance.randint(1, AT_ONCE)
        groups[-1].append((kind, part))
        room -= 1
    return groups


def _owner(part: str) -> str:
    return part.partition(":")[0]


def _planned(chance: random.Random, kind: Kind, part: str, *, first: bool) -> PlannedFault:
    after_s = 0.0 if first else chance.uniform(0, APART_S)
    if kind == "network":
        return PlannedFault(kind, part, after_s, chance.uniform(*TROUBLES_S), *chance.choice(TROUBLES))
    return PlannedFault(kind, part, after_s, chance.uniform(*PAUSES_S))


@dataclass(frozen=True)
class Recovery:
    """How a kill was got over: the seconds up to the first good order, without those in which anything was broken.

    `struck_again` says that the next burst fell before: the recovery had to begin anew.
    """

    seconds: float
    struck_again: bool


def recoveries(faults: Iterable[Fault], calls: Sequence[OrderCall]) -> list[Recovery]:
    """Return, for each kill after which its part came back, how it was got over.

    That begins when all that its burst hit is back: no order can be good while the catalog is away, however well
    payments have recovered. A good order is one sent after that moment and answered 201 or 202. While a later burst has
    something down, nobody recovers, and that time does not count. A kill after which no order was sent, because the
    load had ended, is left out.
    """
    placed = sorted((call for call in calls if call.kind == "place"), key=lambda call: call.sent_at)
    by_burst: dict[int, list[Fault]] = {}
    for fault in faults:
        by_burst.setdefault(fault.burst, []).append(fault)
    broken = {
        number: (min(one.at for one in burst), max(one.back_at or math.inf for one in burst))
        for number, burst in by_burst.items()
    }
    recovered: list[Recovery] = []
    for number, burst in by_burst.items():
        whole_at = broken[number][1]
        good = [call.answered_at for call in placed if call.sent_at >= whole_at and call.status in (201, 202)]
        if good:
            first = min(good)
            down_s = [min(end, first) - at for later, (at, end) in broken.items() if later > number and at < first]
            kills = sum(fault.kind in KILLS for fault in burst)
            recovered += [Recovery(first - whole_at - sum(down_s), bool(down_s))] * kills
    return recovered
