"""The notifications in TypeScript on Node keep the same promises: its tests are the same journeys."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from deploy.model.errors import MissingProgram
from deploy.model.home import REPOSITORY
from deploy.runner import node
from microservices.kit.database import Database
from microservices.kit.migrate import migrate
from shared.platform.metrics import Metrics
from tests.ports import COMMANDS_SHIFT, VARIABLE

TIMEOUT_S = 400
SCHEMA = node.SERVICE / "schema.sql"
# Everything that a statement could notice.
COLUMNS = text("""
    SELECT table_name::text, column_name::text, data_type::text, is_nullable::text, column_default::text
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, ordinal_position
""")
INDEXES = text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
CONSTRAINTS = text("""
    SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1
""")
VIEWS = text("SELECT viewname::text, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1")
VERSION = text("SELECT version_num FROM alembic_version")


@pytest.fixture
def with_node() -> None:
    """Skip, loudly, where Node is not found."""
    try:
        node.find()
    except MissingProgram as error:
        pytest.skip(f"NO NODE, SO THE SERVICE IN TYPESCRIPT IS NOT TESTED: {error}")


def test_either_language_makes_the_same_tables(service_database_urls: dict[str, str]) -> None:
    async def schema_of(database: Database) -> list[Sequence[Any]]:
        return [
            [tuple(row) for row in await database.read(look)]
            for look in (COLUMNS, INDEXES, CONSTRAINTS, VIEWS, VERSION)
        ]

    async def run() -> tuple[list[Sequence[Any]], list[Sequence[Any]]]:
        database = Database(service_database_urls["notifications"], 1, Metrics(), "test")
        try:
            await _empty(database)
            for statement in SCHEMA.read_text("utf-8").split(";\n"):
                if statement.strip():
                    await database.write(text(statement))
            typescript = await schema_of(database)
            await _empty(database)
            await migrate(database, "microservices.notifications")
            return typescript, await schema_of(database)
        finally:
            await database.close()

    typescript, python = asyncio.run(run())
    assert typescript == python


async def _empty(database: Database) -> None:
    for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
        await database.write(text(statement))


def test_no_address_of_a_registry_is_in_the_lock_file_and_every_package_has_its_digest() -> None:
    lock = (node.SERVICE / "package-lock.json").read_text("utf-8")

    assert '"resolved"' not in lock
    assert lock.count('"integrity"') == lock.count('"node_modules/')


@pytest.mark.long
@pytest.mark.timeout(TIMEOUT_S + 30)
def test_the_same_journeys_pass(with_node: None) -> None:
    settings = {node.SETTING: "node", VARIABLE: str(COMMANDS_SHIFT)}

    process = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/journeys", "--arms", "microservices", "-q", "-p", "no:cacheprovider"],
        cwd=REPOSITORY, env=os.environ | settings, capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip

    assert process.returncode == 0, process.stdout[-4000:]
