"""The shops of all arms, with things in them that requests can aim at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.arms import Arm
from tests.contract.known import Known, known_things


@pytest.fixture(scope="module")
def shops(arms: dict[str, Arm]) -> Iterator[dict[str, Known]]:
    """What exists in the shop of each arm, made for this module."""
    with ExitStack() as closing:
        yield {name: closing.enter_context(known_things(arm)) for name, arm in arms.items()}
