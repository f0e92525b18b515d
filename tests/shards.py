"""Which tests `make test` runs in one process: plain arguments of pytest, so that any shard can be run by hand.

Every test is in exactly one shard. A folder that no shard names is in the last one. Where tests run once on each arm
the shards have the same folders, and the marker `on` tells them apart: each starts one arm.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

NOT_LONG = "not long"
JOURNEYS = ("tests/browser", "tests/contract", "tests/journeys")
CHAOS = ("tests/chaos",)
TRAFFIC = ("loadtests/test_arrivals.py", "loadtests/test_locustfile.py", "loadtests/users")


@dataclass(frozen=True)
class Shard:
    """A part of the tests: those below `folders`, without those that `marks` leaves out."""

    name: str
    folders: tuple[str, ...]
    marks: str = ""
    options: tuple[str, ...] = ()
    measures_time: bool = False  # it is wrong where it has to wait for a processor: it goes before the others

    @property
    def arguments(self) -> tuple[str, ...]:
        """What pytest is given."""
        marks = f"{NOT_LONG} and {self.marks}" if self.marks else NOT_LONG
        return ("-m", marks, *self.options, *self.folders)

    def __str__(self) -> str:
        return f"pytest {shlex.join(self.arguments)}"


# Those that take longest come first: a process that has ended one takes the next.
_NAMED = (
    *(Shard(f"journeys on {arm}", JOURNEYS, f"on(arm='{arm}')") for arm in ("microservices", "monolith", "colocated")),
    Shard("chaos on microservices", CHAOS, "not on(arm='monolith')"),
    Shard("chaos on monolith", CHAOS, "on(arm='monolith')"),
    Shard("traffic", TRAFFIC, measures_time=True),
    Shard("deploy", ("deploy",)),
    Shard("journeys on all arms", JOURNEYS, "not on"),
    Shard("traces and mutants", ("tests/mutants", "tests/traces"), options=("--arms", "monolith,microservices")),
    Shard("builds", ("microservices", "monolith")),
    Shard("docs", ("tests/docs",)),
    Shard("outside", ("outside",)),
    Shard("migration", ("migration", "tests/migration")),
)
_TAKEN = sorted({folder for shard in _NAMED for folder in shard.folders})
SHARDS = (*_NAMED, Shard("everything else", (), options=tuple(f"--ignore={folder}" for folder in _TAKEN)))
