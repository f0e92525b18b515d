"""Fixtures of the tests beside the monolith's code: its database, and an empty shop on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monolith.config import Settings
from monolith.migrations import migrate
from tests.monolith_stage import SECRET, Shop, open_shop


@pytest.fixture(scope="session")
def settings(monolith_database_url: str) -> Settings:
    """Settings whose database has its schema and nothing else."""
    migrate(monolith_database_url)
    return Settings(twinshop_mode="local", database_url=monolith_database_url, webhook_secret=SECRET)


@pytest.fixture
def shop(settings: Settings) -> Iterator[Shop]:
    """An empty shop."""
    with open_shop(settings) as opened:
        yield opened
