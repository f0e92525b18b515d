"""Tries every interleaving of the model and says by which steps a promise breaks first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tests.model.saga import DEATHS, Design, Leg, World, start, steps_of_one

MAX_STATES = 3_000_000
HEAD, CRASHES = 7, 3  # of a code: how many numbers precede those of the orders; which of them counts crashes

Code = tuple[int, ...]


@dataclass(frozen=True)
class Finding:
    """How many states were seen, how many of them were ends, and the shortest way to a broken promise, if any."""

    states: int
    ends: int
    broken: str = ""
    path: tuple[str, ...] = ()
    reached: frozenset[str] = frozenset()


class _Coded:
    """Worlds as short tuples of numbers, which are hashed and compared ten times as fast as worlds.

    A code is the stock (3 numbers), what may still go wrong (4), and one number for each order, sorted: the orders are
    alike, so that which of them is called first makes no difference, and half the states.
    """

    def __init__(self, design: Design) -> None:
        self._design = design
        self._legs: list[Leg] = []
        self._broken: list[str] = []  # by always_broken
        self._numbers: dict[Leg, int] = {}
        self._orders_after: dict[tuple[str, int], int] = {}  # by a death, of an order
        self._steps: dict[tuple[Code, int], list[tuple[str, Code, int]]] = {}

    def code(self, world: World) -> Code:
        """Return the code of a world."""
        return (*world[:3], *world[4:], *sorted(map(self._number, world.legs)))

    def world(self, code: Code) -> World:
        """Return the world of a code."""
        available, reserved, sold, *budget = code[:HEAD]
        return World(available, reserved, sold, tuple(self._legs[number] for number in code[HEAD:]), *budget)

    def following(self, code: Code) -> list[tuple[str, Code]]:
        """Return every step that can come next, by name, with the code of the world after it."""
        head, numbers = code[:HEAD], code[HEAD:]
        following = []
        for index, number in enumerate(numbers):
            others = numbers[:index] + numbers[index + 1 :]
            steps = self._steps.get((head, number))
            if steps is None:
                steps = self._steps_of_one(head, number)
            following += [(name, new_head + tuple(sorted((*others, new)))) for name, new_head, new in steps]
        if code[CRASHES]:
            fewer = (*head[:CRASHES], head[CRASHES] - 1, *head[CRASHES + 1 :])
            for name in DEATHS:
                orders = sorted(self._order_after(name, number) for number in numbers)
                following.append((name, (*fewer, *orders)))
        return following

    def always_broken(self, code: Code) -> str:
        """Return the promise that a world breaks, of those that hold at every moment, or an empty string."""
        return stock_broken(*code[:3]) or next(filter(None, (self._broken[number] for number in code[HEAD:])), "")

    def finally_broken(self, code: Code) -> str:
        """Return the promise that a world breaks, of those that hold once all has come to rest, or an empty string."""
        return next(filter(None, (finally_broken(self._legs[number]) for number in code[HEAD:])), "")

    def _steps_of_one(self, head: Code, number: int) -> list[tuple[str, Code, int]]:
        after = [(name, self.code(world)) for name, world in steps_of_one(self.world((*head, number)), self._design)]
        self._steps[head, number] = [(name, code[:HEAD], code[HEAD]) for name, code in after]
        return self._steps[head, number]

    def _order_after(self, death: str, number: int) -> int:
        if (death, number) not in self._orders_after:
            self._orders_after[death, number] = self._number(DEATHS[death](self._legs[number]))
        return self._orders_after[death, number]

    def _number(self, leg: Leg) -> int:
        if leg not in self._numbers:
            self._numbers[leg] = len(self._legs)
            self._legs.append(leg)
            self._broken.append(always_broken(leg))
        return self._numbers[leg]


def explore(design: Design, first: World | None = None) -> Finding:
    """Visit every state that can be reached, breadth first. Raises RuntimeError beyond three million states."""
    coded = _Coded(design)
    begin = coded.code(first or start())
    came_from: dict[Code, tuple[Code | None, str]] = {begin: (None, "")}
    queue = deque([begin])
    ends = 0
    reached: set[str] = set()
    while queue:
        code = queue.popleft()
        broken = coded.always_broken(code)
        following = [] if broken else coded.following(code)
        reached.update(name for name, _ in following)
        if not broken and all(name in DEATHS for name, _ in following):  # at rest
            ends += 1
            broken = coded.finally_broken(code)
        if broken:
            return Finding(len(came_from), ends, broken, _path_to(came_from, code), frozenset(reached))
        for name, after in following:
            if after not in came_from:
                came_from[after] = (code, name)
                queue.append(after)
        if len(came_from) > MAX_STATES:
            raise RuntimeError(f"more than {MAX_STATES:,} states: lower the budget of the world")
    return Finding(len(came_from), ends, reached=frozenset(reached))


def stock_broken(available: int, reserved: int, sold: int) -> str:
    """Return the promise that this stock breaks, or an empty string."""
    if available < 0 or reserved < 0:
        return "S1: stock below zero"
    if available + reserved + sold != 1:
        return "S2: stock does not add up"
    return ""


def always_broken(leg: Leg) -> str:
    """Return the promise that this order breaks, of those that hold at every moment, or an empty string."""
    if leg.captures > 1:
        return "S3: charged twice"
    if leg.refunds > leg.captures:
        return "S6: refunded more than captured"
    return ""


def finally_broken(leg: Leg) -> str:
    """Return the promise that this order breaks, of those that hold once all has come to rest."""
    if leg.status in ("placed", "payment_pending") or leg.payment == "pending":
        return "L1: unfinished"
    balance = leg.captures - leg.refunds
    if leg.status == "confirmed":
        if balance != 1:
            return "L2: confirmed and not paid"
        if leg.reservation != "sold":
            return "L2: confirmed and not sold"
    elif balance:
        return "L3: money kept without an order"
    elif leg.reservation in ("reserved", "sold"):
        return "L4: stock kept without an order"
    if leg.answer in (402, 409, 503) and leg.status != "rejected":
        return "L6: told no, and it happened"
    if leg.answer == 201 and leg.status != "confirmed":
        return "S7: told yes, and it is not there"
    return ""


def _path_to(came_from: dict[Code, tuple[Code | None, str]], code: Code) -> tuple[str, ...]:
    names = []
    step: Code | None = code
    while step is not None:
        step, name = came_from[step]
        names.append(name)
    return tuple(reversed(names[:-1]))
