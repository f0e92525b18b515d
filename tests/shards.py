"""Which tests run in one process of their own: plain arguments of pytest, so that any shard can be run by hand.

Every test of `make test` is in exactly one of its shards; what no shard names is in the last one. Where tests run once
on each arm the shards have the same folders, and the marker `on` tells them apart: each starts one arm.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

NOT_LONG = "not long"
JOURNEYS = ("tests/browser", "tests/contract", "tests/journeys")
CHAOS = ("tests/chaos",)
TRAFFIC = ("loadtests/load/test_arrivals.py", "loadtests/test_locustfile.py", "loadtests/load/users")
IN_CONTAINERS = ("tests/journeys", "tests/chaos/test_every_fault.py")


@dataclass(frozen=True)
class Shard:
    """A part of the tests: those below `folders` that `marks` chooses, in the words of pytest's option -m."""

    name: str
    folders: tuple[str, ...]
    marks: str = NOT_LONG
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    measures_time: bool = False  # it is wrong where it has to wait for a processor: it goes before the others

    @property
    def arguments(self) -> tuple[str, ...]:
        """What pytest is given."""
        return (*(("-m", self.marks) if self.marks else ()), *self.options, *self.folders)

    def __str__(self) -> str:
        settings = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*settings, "pytest", shlex.join(self.arguments)])


def _on(arm: str) -> str:
    return f"on(arm='{arm}')"


# Those that take longest come first: a process that has ended one takes the next.
_NAMED = (
    Shard("journeys on microservices", JOURNEYS, f"{NOT_LONG} and {_on('microservices')}"),
    Shard("journeys on monolith", JOURNEYS, f"{NOT_LONG} and {_on('monolith')}"),
    Shard("journeys on colocated", JOURNEYS, f"{NOT_LONG} and {_on('colocated')}"),
    Shard(
        "figures and reports", ("loadtests/engine", "loadtests/experiments", "loadtests/measure", "loadtests/report")
    ),
    Shard("deploy", ("deploy",)),
    Shard("builds", ("microservices", "monolith")),
    Shard("journeys on all arms", JOURNEYS, f"{NOT_LONG} and not on"),
    Shard("chaos on microservices", CHAOS, f"{NOT_LONG} and not {_on('monolith')}"),
    Shard("chaos on monolith", CHAOS, f"{NOT_LONG} and {_on('monolith')}"),
    Shard("traffic", TRAFFIC, measures_time=True),
    Shard("traces and mutants", ("tests/mutants", "tests/traces"), options=("--arms", "monolith,microservices")),
    Shard("variants, room and workshop", ("variants", "room", "workshop", "shared")),
    Shard("docs", ("tests/docs",)),
    Shard("outside", ("outside",)),
    Shard("migration", ("migration", "tests/migration")),
)
_OWN_FOLDERS = sorted({folder for shard in _NAMED for folder in shard.folders})
# Of a folder, since pytest ignores none of those that `testpaths` names.
SHARDS = (*_NAMED, Shard("everything else", (".",), options=tuple(f"--ignore={folder}" for folder in _OWN_FOLDERS)))

# The tests of `make test-compose`. `not` of an arm: those on no arm, or on both, are in that one, too.
_COMPOSE = {"TWINSHOP_ON": "compose"}
_BUILDS = ("--arms", "monolith,microservices")
CONTAINER_SHARDS = (
    Shard("in containers, microservices", IN_CONTAINERS, _on("microservices"), _BUILDS, _COMPOSE),
    Shard("in containers, the rest", IN_CONTAINERS, f"not {_on('microservices')}", _BUILDS, _COMPOSE),
    Shard("containers", ("tests/containers",), marks=""),
)
