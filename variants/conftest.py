"""Fixtures of the tests beside the variants: the monolith's database."""

from __future__ import annotations

import pytest

from monolith.config import Settings
from monolith.migrations import migrate
from tests.monolith_stage import SECRET


@pytest.fixture(scope="session")
def settings(monolith_database_url: str) -> Settings:
    """Settings whose database has its schema and nothing else."""
    migrate(monolith_database_url)
    return Settings(twinshop_mode="local", database_url=monolith_database_url, webhook_secret=SECRET)
