"""The data of a version before is taken over, or refused with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from migration.inside_monolith.migrations import migrate as migrate_extraction
from monolith.migrations import migrate

# What the monolith of the version before had of its own, with the notifications out of it.
TABLES_BEFORE = """
    DROP TABLE IF EXISTS extraction, extraction_version;
    ALTER TABLE outbox DROP COLUMN store, DROP COLUMN sequence CASCADE;
    INSERT INTO outbox (type, payload) VALUES ('order.confirmed', '{}');
    CREATE TABLE modules (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        moved_out text[] NOT NULL DEFAULT '{}',
        closing_until timestamptz
    );
    INSERT INTO modules (moved_out) VALUES ('{notifications}');
"""


@pytest.fixture
def database(extraction_database_url: str) -> Iterator[psycopg.Connection]:
    """The monolith's database, which is as the newest version wants it before and after."""
    with psycopg.connect(extraction_database_url, autocommit=True) as connection:
        newest = one(connection, "SELECT version_num FROM alembic_version")
        yield connection
        connection.execute("UPDATE alembic_version SET version_num = %s", [newest])
        migrate_extraction(extraction_database_url)
        connection.execute("UPDATE extraction SET extracted = '{}'")


def one(database: psycopg.Connection, query: str) -> object:
    row = database.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_what_is_out_stays_out(database: psycopg.Connection, extraction_database_url: str) -> None:
    database.execute(TABLES_BEFORE)

    migrate_extraction(extraction_database_url)

    assert one(database, "SELECT extracted FROM extraction") == ["notifications"]
    assert one(database, "SELECT to_regclass('modules')") is None
    assert one(database, "DELETE FROM outbox RETURNING sequence IS NULL")


def test_the_schema_of_the_version_before_is_brought_up_to_date(
    database: psycopg.Connection, extraction_database_url: str
) -> None:
    database.execute("ALTER TABLE idempotency_keys DROP COLUMN operation")
    database.execute("DROP FUNCTION count_by_category CASCADE")
    database.execute("DROP TABLE categories")
    database.execute("UPDATE alembic_version SET version_num = '0005'")
    database.execute(
        "INSERT INTO idempotency_keys (owner, key, fingerprint, resource_id, status) "
        "VALUES ('ada', 'key-before', 'f', gen_random_uuid(), 201)"
    )

    migrate(extraction_database_url)

    assert one(database, "SELECT operation FROM idempotency_keys WHERE key = 'key-before'") == "restock"


def test_a_schema_that_is_not_known_is_refused_with_what_to_do(
    database: psycopg.Connection, extraction_database_url: str
) -> None:
    database.execute("UPDATE alembic_version SET version_num = '0003'")

    with pytest.raises(ValueError, match=r"schema version 0003, .* start it with the program that it comes from"):
        migrate(extraction_database_url)
