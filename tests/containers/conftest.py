"""An engine, where there is one; where there is none, the tests that need it are skipped, and say so."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.compose import build_images, secrets
from deploy.compose.engine import Engine, docker
from deploy.compose.runner import ComposeRunner
from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY, Home
from tests.containers.by_hand import ByHand
from tests.ports import CONTAINERS_SHIFT


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "containers: needs a container engine")


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The container engine, with all our images on it. Skips, loudly, where there is none."""
    local = Engine()
    try:
        local.containers("twinshop")
        docker("compose", "version")
    except DeployError as error:
        pytest.skip(f"NO CONTAINER ENGINE, SO NOTHING IS TESTED IN CONTAINERS: {error}")
    return local


@pytest.fixture(scope="session")
def home(engine: Engine) -> Iterator[Home]:
    """A state folder for the session, with secrets; the images are built as the code is now."""
    root = Path(tempfile.mkdtemp(prefix="twinshop-containers-"))
    own = Home(root)
    secrets.ensure(own)
    build_images.build(own)
    yield own
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def by_hand(engine: Engine, home: Home) -> Iterator[ByHand]:
    """`docker compose` as somebody types it, in a project of its own; nothing is left of it afterwards."""
    typed = ByHand(REPOSITORY, secrets.folder(home), CONTAINERS_SHIFT + 100)
    yield typed
    typed.run("--profile", "*", "down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="module")
def runners(engine: Engine, home: Home) -> Iterator[dict[str, ComposeRunner]]:
    """The outside world and both builds, up."""
    names = ("outside", "monolith", "microservices")
    by_name = {name: ComposeRunner(name, home, CONTAINERS_SHIFT) for name in names}
    try:
        for runner in by_name.values():
            runner.up(timeout_s=120)
        yield by_name
    finally:
        for name in ("microservices", "monolith", "outside"):
            by_name[name].down()
