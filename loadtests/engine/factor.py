"""Factors: what is set alike for every arm of a comparison, each of its values in turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from loadtests.engine.arm import Arm

Point = Mapping[str, float]  # a value for each factor


@dataclass(frozen=True)
class Factor:
    """`held(arm, value)` while it is measured; the first value is the base.

    `stacks`: those that it changes anything in; others are measured at the base alone. Empty: all. `measured`: what a
    value came to in an arm, by name, in milliseconds or whatever the name says.
    """

    name: str
    values: tuple[float, ...]
    held: Callable[[Arm, float], AbstractContextManager[None]]
    quick: tuple[float, ...] = ()  # in the short form
    stacks: tuple[str, ...] = ()
    measured: Callable[[Arm], Mapping[str, float]] | None = None

    def changes(self, stack: str) -> bool:
        """Whether it changes anything in this stack."""
        return not self.stacks or stack in self.stacks


def grid(factors: Sequence[Factor], *, quick: bool = False) -> list[Point]:
    """Return all combinations of the factors' values, the base first."""
    values = [(one.quick if quick and one.quick else one.values) for one in factors]
    return [dict(zip((one.name for one in factors), point, strict=True)) for point in itertools.product(*values)]


def distance_from_base(factors: Sequence[Factor], point: Point) -> int:
    """Return how many factors are not at their first value."""
    return sum(point[one.name] != one.values[0] for one in factors)


def effective(factors: Sequence[Factor], stack: str, point: Point) -> Point:
    """Return the point at which this stack is measured for `point`: what changes nothing in it stays at the base."""
    return {one.name: point[one.name] if one.changes(stack) else one.values[0] for one in factors}
