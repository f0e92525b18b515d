"""Tries every interleaving of the model and says by which steps a promise breaks first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tests.model.saga import Design, Leg, World, start, steps

MAX_STATES = 3_000_000


@dataclass(frozen=True)
class Finding:
    """How many states were seen, how many of them were ends, and the shortest way to a broken promise, if any."""

    states: int
    ends: int
    broken: str = ""
    way: tuple[str, ...] = ()
    reached: frozenset[str] = frozenset()


def explore(design: Design, first: World | None = None) -> Finding:
    """Visit every state that can be reached, breadth first. Raises RuntimeError beyond three million states."""
    first = first or start()
    came_from: dict[World, tuple[World | None, str]] = {first: (None, "")}
    queue = deque([first])
    ends = 0
    reached: set[str] = set()
    while queue:
        world = queue.popleft()
        broken = always_broken(world)
        following = [] if broken else [(name, _canonical(after)) for name, after in steps(world, design)]
        reached.update(name for name, _ in following)
        if not broken and _is_end(world, following):
            ends += 1
            broken = finally_broken(world)
        if broken:
            return Finding(len(came_from), ends, broken, _way(came_from, world), frozenset(reached))
        for name, after in following:
            if after not in came_from:
                came_from[after] = (world, name)
                queue.append(after)
        if len(came_from) > MAX_STATES:
            raise RuntimeError(f"more than {MAX_STATES:,} states: lower the budget of the world")
    return Finding(len(came_from), ends, reached=frozenset(reached))


def always_broken(world: World) -> str:
    """Return the promise that this state breaks, of those that hold at every moment, or an empty string."""
    if min(world.available, world.reserved) < 0:
        return "S1: stock below zero"
    if world.available + world.reserved + world.sold != 1:
        return "S2: stock does not add up"
    if any(leg.captures > 1 for leg in world.legs):
        return "S3: charged twice"
    if any(leg.refunds > leg.captures for leg in world.legs):
        return "S6: refunded more than captured"
    return ""


def finally_broken(world: World) -> str:
    """Return the promise that this end breaks, of those that hold once all has come to rest."""
    return next((broken for leg in world.legs if (broken := _finally_broken(leg))), "")


def _finally_broken(leg: Leg) -> str:
    if leg.status in ("placed", "payment_pending") or leg.payment == "pending":
        return "L1: unfinished"
    kept = leg.captures - leg.refunds
    if leg.status == "confirmed":
        if kept != 1:
            return "L2: confirmed and not paid"
        if leg.reservation != "sold":
            return "L2: confirmed and not sold"
    elif kept:
        return "L3: money kept without an order"
    elif leg.reservation in ("reserved", "sold"):
        return "L4: stock kept without an order"
    if leg.answer in (402, 409, 503) and leg.status != "rejected":
        return "L6: told no, and it happened"
    if leg.answer == 201 and leg.status != "confirmed":
        return "S7: told yes, and it is not there"
    return ""


def _is_end(world: World, following: list[tuple[str, World]]) -> bool:
    """At rest: nothing can happen any more but crashes, time-outs and the like, which would only change the budget."""
    return all(name.endswith(" dies") for name, _ in following)


def _canonical(world: World) -> World:
    """The orders are alike: which of them is called first makes no difference, and half the states."""
    return world._replace(legs=tuple(sorted(world.legs)))


def _way(came_from: dict[World, tuple[World | None, str]], world: World) -> tuple[str, ...]:
    names = []
    step: World | None = world
    while step is not None:
        step, name = came_from[step]
        names.append(name)
    return tuple(reversed(names[:-1]))
