"""How many requests are in hand: two counters, because a number that threads add to and take from needs a lock."""

from __future__ import annotations

from itertools import count


class InFlight:
    """Counts up at the beginning and at the end of each request; asked only when somebody reads the metrics."""

    def __init__(self) -> None:
        self._begins, self._ends = count(), count()

    def begin(self) -> None:
        """A request has come."""
        next(self._begins)  # one step of the interpreter: safe between threads

    def end(self) -> None:
        """A request is answered."""
        next(self._ends)

    def __call__(self) -> float:
        """Return how many are in hand."""
        ends = _value(self._ends)  # first: never less than there are
        return max(0, _value(self._begins) - ends)


def _value(counter: count[int]) -> int:
    """Return what a counter would say next, without making it go on."""
    return int(repr(counter).removeprefix("count(").removesuffix(")"))
