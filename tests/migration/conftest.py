"""A monolith that a test moves modules out of, and the database of an extractable one."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from microservices.kit.conftest import BrokerServer, broker_server
from migration.inside_monolith.migrations import migrate as migrate_extraction
from monolith.migrations import migrate
from tests.arms import Arm, OwnStacks
from tests.ports import ARMS_SHIFT

__all__ = ["BrokerServer", "broker_server"]


@pytest.fixture
def monolith() -> Iterator[Arm]:
    """A monolith of the test's own, up."""
    own = OwnStacks(ARMS_SHIFT)
    try:
        yield own.start(["monolith"]).running["monolith"]
    finally:
        own.stop()


@pytest.fixture(scope="module")
def extraction_database_url(monolith_database_url: str) -> Iterator[str]:
    """The URL of the monolith's database, with the tables of an extractable one while the tests of one file run."""
    migrate(monolith_database_url)
    with psycopg.connect(monolith_database_url, autocommit=True) as connection:
        (plain,) = connection.execute("SELECT pg_get_viewdef('v_unfinished')").fetchone() or ("",)
    migrate_extraction(monolith_database_url)
    yield monolith_database_url
    with psycopg.connect(monolith_database_url, autocommit=True) as connection:
        connection.execute(f"CREATE OR REPLACE VIEW v_unfinished AS {plain}".encode())
        connection.execute("DROP TABLE extraction, outbox, inbox, sagas, extraction_version")
