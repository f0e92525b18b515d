"""Fixtures of the tests that stand beside the code: real databases, started once for the session if a test asks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def service_database_urls() -> Iterator[dict[str, str]]:
    """The URL of an empty database for each service, by its name."""
    services = ("catalog", "orders", "payments", "notifications")
    with _databases("microservices", {name: f"{name}-db" for name in services}) as urls:
        yield urls


@pytest.fixture(scope="session")
def monolith_database_url() -> Iterator[str]:
    """The URL of an empty database for the monolith."""
    with _databases("monolith", {"monolith": "db"}) as urls:
        yield urls["monolith"]


@contextmanager
def _databases(stack: str, parts: dict[str, str]) -> Iterator[dict[str, str]]:
    """Run the database servers of a stack; `parts` names the server of each database."""
    from deploy.local.runner import LocalRunner  # noqa: PLC0415
    from deploy.model.home import Home  # noqa: PLC0415  (most sessions start no database)
    from tests.backing import HERE  # noqa: PLC0415
    from tests.ports import DATABASES_SHIFT  # noqa: PLC0415

    root = Path(tempfile.mkdtemp(prefix="twinshop-databases-"))
    root.chmod(0o755)  # PostgreSQL runs as another user where we are root
    runner = LocalRunner(stack, Home(root), DATABASES_SHIFT, topology=HERE)
    try:
        runner.up()
        site = runner.site
        yield {
            name: f"postgresql://{name}:{site.secrets.of(f'database/{name}')}@127.0.0.1:"
            f"{site.ports(stack, part)['sql']}/{name}"
            for name, part in parts.items()
        }
    finally:
        runner.down()
        shutil.rmtree(root, ignore_errors=True)
