"""A migration takes as long as it takes, two replicas wait for each other, and nobody who writes waits for an index."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unicodedata import normalize

import psycopg
import pytest

from monolith import migrations
from monolith.config import Settings
from monolith.migrations import migrate, upgrade
from shared.domain.ids import new_id
from shared.platform.migrations import is_newest

ROWS = 1_000_000
LONG_S = 3.0


@pytest.fixture
def connection(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The database with its schema before the last indexes and nothing in it; at the newest version afterwards."""
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        opened.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        upgrade(settings.database_url, "0002")
        yield opened
    migrate(settings.database_url)


def both(url: str) -> None:
    """Start two replicas."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrate, [url, url]))


@pytest.mark.parametrize(
    "blocking", [f"SELECT pg_advisory_xact_lock({migrations.LOCK})", "LOCK TABLE idempotency_keys"]
)
def test_a_migration_waits_for_as_long_as_it_takes(
    settings: Settings, connection: psycopg.Connection[Any], blocking: str
) -> None:
    connection.execute("BEGIN")
    connection.execute(blocking.encode())
    threading.Timer(LONG_S, lambda: connection.execute("COMMIT")).start()
    began = time.monotonic()

    both(settings.database_url)

    assert time.monotonic() - began > LONG_S - 0.5
    (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("none",)
    assert is_newest(version, migrations.FOLDER)


def test_keys_of_before_are_told_apart_by_what_they_made(
    settings: Settings, connection: psycopg.Connection[Any]
) -> None:
    order, payment, refund = (new_id() for _ in range(3))
    connection.execute(
        "INSERT INTO orders (id, customer_id, email, status, lines, currency, payment_id, idempotency_key) "
        "VALUES (%s, 'ada', '', 'confirmed', '[]', 'EUR', %s, 'an-order')",
        (order, payment),
    )
    connection.execute(
        "INSERT INTO payments (id, order_id, customer_id, status, amount, currency, payment_method, next_attempt_at) "
        "VALUES (%s, %s, 'ada', 'captured', 100, 'EUR', 'pm_ok', now())",
        (payment, order),
    )
    connection.execute(
        "INSERT INTO refunds (id, payment_id, provider_key, origin, amount, status, next_attempt_at) "
        "VALUES (%s, %s, 'k', 'admin', 1, 'refunded', now())",
        (refund, payment),
    )
    for key, resource_id in (("order", order), ("refund", refund), ("restock", new_id())):
        connection.execute(
            "INSERT INTO idempotency_keys (owner, key, fingerprint, resource_id) VALUES ('root', %s, '', %s)",
            (key, resource_id),
        )

    migrate(settings.database_url)

    rows = connection.execute("SELECT key, operation FROM idempotency_keys ORDER BY key").fetchall()
    assert rows == [("order", "place_order"), ("refund", "refund"), ("restock", "restock")]


def test_an_accent_of_before_is_composed(settings: Settings, connection: psycopg.Connection[Any]) -> None:
    decomposed = normalize("NFD", "Crème brûlée")
    connection.execute("INSERT INTO products VALUES ('CREME-1', %s, %s, %s, 450, 'EUR')", [decomposed] * 3)

    migrate(settings.database_url)

    row = connection.execute("SELECT name, description, category, search @@ 'crème' FROM products").fetchone()
    assert row == (*["Crème brûlée"] * 3, True)


@pytest.mark.long
def test_an_index_on_a_large_table_holds_up_nobody_who_writes(
    settings: Settings, connection: psycopg.Connection[Any]
) -> None:
    receive = """
        INSERT INTO idempotency_keys (owner, key, fingerprint, resource_id)
        SELECT 'ada', gen_random_uuid(), '', gen_random_uuid() FROM generate_series(1, %s)
    """
    connection.execute(receive, (ROWS,))
    replicas = threading.Thread(target=both, args=(settings.database_url,))
    replicas.start()
    longest_s, writes = 0.0, 0
    while replicas.is_alive():
        began = time.monotonic()
        connection.execute(receive, (1,))
        longest_s, writes = max(longest_s, time.monotonic() - began), writes + 1

    valid = "SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid = 'idempotency_keys_by_age'::regclass"
    assert connection.execute(valid).fetchone() == (True,)
    assert connection.execute("SELECT count(*) FROM idempotency_keys").fetchone() == (ROWS + writes,)
    assert longest_s < 1.0


def test_what_a_killed_start_left_of_an_index_is_built_anew(
    settings: Settings, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("CREATE INDEX idempotency_keys_by_age ON idempotency_keys (key)")

    migrate(settings.database_url)

    definition = connection.execute(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'idempotency_keys_by_age'"
    ).fetchone()
    assert definition is not None
    assert "(created_at)" in definition[0]
