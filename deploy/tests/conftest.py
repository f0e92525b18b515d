"""Fixtures: a state folder of its own, ports that nobody uses, and running stacks of stand-ins."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.runner import LocalRunner
from deploy.model.home import Home
from deploy.tests.stacks import HERE
from tests.ports import STAND_INS_SHIFT


@pytest.fixture(scope="session")
def shift() -> int:
    """What to add to every port so that nothing collides with stacks that are up."""
    return STAND_INS_SHIFT


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """A state folder that an unprivileged user can reach, unlike pytest's own."""
    root = Path(tempfile.mkdtemp(prefix="twinshop-test-"))
    root.chmod(0o755)
    yield Home(root)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def services(home: Home, shift: int) -> Iterator[LocalRunner]:
    """The microservices stack, up, with stand-ins as services."""
    runner = LocalRunner("microservices", home, shift, topology=HERE)
    runner.up()
    yield runner
    runner.down()


@pytest.fixture
def monolith(home: Home, shift: int) -> Iterator[LocalRunner]:
    """The monolith stack, not up, with a stand-in as application; down at the end in any case."""
    runner = LocalRunner("monolith", home, shift, topology=HERE)
    yield runner
    runner.down()
