"""What all users of a process share during a test: what to ask for, and where the answers are kept."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from loadtests.load.users import world
from loadtests.load.users.journeys import Journeys
from loadtests.load.users.recorder import Recorder
from loadtests.load.users.traffic import mix_of


@dataclass
class Stage:
    """`numbers` gives each request of a closed loop its own; open arrivals are numbered by their schedule."""

    host: str
    journeys: Journeys
    recorder: Recorder
    numbers: Iterator[int] = field(default_factory=count)


def set_stage(host: str, options: Any) -> Stage:
    """Return the stage for Locust's `options`; asks the shop and the identity provider. Raises world.WorldNotReady."""
    mix = mix_of(options.mix)
    journeys = Journeys(
        mix,
        world.read_catalogue(host),
        world.customers(options.tokens_from, options.customers, "load"),
        run=uuid.uuid4().hex,
        seed=options.seed,
        admin=world.admin(options.tokens_from) if mix.needs_admin else None,
    )
    return Stage(host, journeys, Recorder())
