"""Fixtures of the tests that stand beside the code: real databases, started once for the session if a test asks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def service_database_urls() -> Iterator[dict[str, str]]:
    """The URL of an empty database for each service, by its name."""
    from deploy.home import Home  # noqa: PLC0415  (most sessions start no database)
    from deploy.local import LocalRunner  # noqa: PLC0415
    from tests.backing import HERE, SHIFT  # noqa: PLC0415

    root = Path(tempfile.mkdtemp(prefix="twinshop-databases-"))
    root.chmod(0o755)  # PostgreSQL runs as another user where we are root
    runner = LocalRunner("microservices", Home(root), SHIFT, topology=HERE)
    try:
        runner.up()
        site = runner.site
        yield {
            name: f"postgresql://{name}:{site.secrets.of(f'database/{name}')}@127.0.0.1:"
            f"{site.ports('microservices', f'{name}-db')['sql']}/{name}"
            for name in ("catalog", "orders", "payments", "notifications")
        }
    finally:
        runner.down()
        shutil.rmtree(root, ignore_errors=True)
