"""A monolith that a test moves modules out of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.arms import Arm, OwnStacks
from tests.ports import ARMS_SHIFT


@pytest.fixture
def monolith() -> Iterator[Arm]:
    """A monolith of the test's own, up."""
    own = OwnStacks(ARMS_SHIFT)
    try:
        yield own.start(["monolith"]).running["monolith"]
    finally:
        own.stop()
