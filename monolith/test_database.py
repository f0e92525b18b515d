"""A transaction is whole or absent, and its caller learns which, or that nobody knows."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from monolith.config import Settings
from monolith.database import Database, metadata
from monolith.migrations import migrate
from shared.domain.errors import InvalidRequest, OutcomeUnknown, Unavailable
from shared.platform.metrics import Metrics
from shared.platform.postgres import IDLE_IN_TRANSACTION_MS
from tests.monolith_stage import Shop
from tests.stalled import stalling_proxy

# What only the migrations say, because no statement needs to know it.
BY_HAND = {"remove_index", "remove_table", "remove_constraint", "remove_fk", "modify_default"}

NOBODY = "postgresql://nobody:x@127.0.0.1:1/nothing"
INSERT = text("INSERT INTO products VALUES ('LAMP', 'Lamp', '', 'light', 1, 'EUR')")


def cut(connection: Connection, shop: Shop) -> None:
    """End the server's side of this connection."""
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    shop.change(f"SELECT pg_terminate_backend({pid}, 5000)")


def test_an_exception_rolls_back(shop: Shop) -> None:
    with pytest.raises(ZeroDivisionError), shop.database.transaction() as connection:  # noqa: PT012
        connection.execute(INSERT)
        raise ZeroDivisionError

    assert shop.rows("SELECT sku FROM products") == []


def test_an_error_does_not_say_the_parameters(shop: Shop) -> None:
    with pytest.raises(ProgrammingError) as caught:
        shop.database.fetch_all(text("SELECT address FROM orders WHERE :address = ''"), {"address": "ada@example"})

    assert "ada@example" not in str(caught.value)


def test_a_cut_before_the_commit_is_unavailable(shop: Shop) -> None:
    with pytest.raises(Unavailable), shop.database.transaction() as connection:  # noqa: PT012
        cut(connection, shop)
        connection.execute(INSERT)


def test_a_cut_after_an_earlier_commit_is_unknown(shop: Shop) -> None:
    with pytest.raises(OutcomeUnknown), shop.database.transaction(continues=True) as connection:  # noqa: PT012
        cut(connection, shop)
        connection.execute(INSERT)


def test_a_commit_without_an_answer_is_unknown(shop: Shop) -> None:
    with pytest.raises(OutcomeUnknown), shop.database.transaction() as connection:  # noqa: PT012
        connection.execute(INSERT)
        cut(connection, shop)


def test_a_read_only_database_is_unavailable_until_it_takes_writes(shop: Shop) -> None:
    with pytest.raises(Unavailable), shop.database.transaction() as connection:  # noqa: PT012
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(INSERT)
    with pytest.raises(OutcomeUnknown), shop.database.transaction(continues=True) as connection:  # noqa: PT012
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(INSERT)
    with pytest.raises(Unavailable):
        shop.change("DO $$ BEGIN RAISE EXCEPTION 'a standby' USING ERRCODE = '25006'; END $$")

    with shop.database.transaction() as connection:
        connection.execute(INSERT)

    assert shop.rows("SELECT sku FROM products") == [("LAMP",)]


@pytest.mark.parametrize("sku", ["with NUL \x00", "lone surrogate \ud800"])
def test_what_cannot_be_stored_is_the_callers_fault(shop: Shop, sku: str) -> None:
    insert = text("INSERT INTO products VALUES (:sku, 'Lamp', '', 'light', 1, 'EUR')")

    with pytest.raises(InvalidRequest), shop.database.transaction() as connection:
        connection.execute(insert, {"sku": sku})
    with pytest.raises(InvalidRequest):
        shop.database.fetch_all(text("SELECT 1 WHERE :sku = ''"), {"sku": sku})

    assert shop.rows("SELECT sku FROM products") == []


def test_a_wrong_statement_is_ours(shop: Shop) -> None:
    with pytest.raises(ProgrammingError):
        shop.database.fetch_all(text("SELECT 1 FROM nowhere"))
    with pytest.raises(ProgrammingError), shop.database.transaction() as connection:
        connection.execute(text("SELECT 1 FROM nowhere"))


def test_whoever_is_frozen_in_a_transaction_loses_it_and_others_get_on(shop: Shop) -> None:
    shop.stocks("LAMP")
    took_s: list[float] = []

    def buy() -> None:
        began = time.monotonic()
        assert shop.buy(("LAMP", 1)).status_code == 201
        took_s.append(time.monotonic() - began)

    others = [threading.Thread(target=buy) for _ in range(5)]
    with pytest.raises(Unavailable), shop.database.transaction() as connection:  # noqa: PT012
        connection.execute(text("UPDATE stock SET available = 0"))
        for one in others:
            one.start()
        for one in others:
            one.join()  # as long as this takes, the transaction is as good as frozen

    assert len(took_s) == 5
    assert max(took_s) < 4.0
    assert shop.stock_of("LAMP") == (5, 0, 5)


def test_a_frozen_step_after_an_earlier_one_leaves_the_outcome_unknown(shop: Shop) -> None:
    with pytest.raises(OutcomeUnknown), shop.database.transaction(continues=True) as connection:  # noqa: PT012
        connection.execute(INSERT)
        time.sleep(IDLE_IN_TRANSACTION_MS / 1000 + 0.5)

    assert shop.rows("SELECT sku FROM products") == []


def test_a_network_that_swallows_packets_holds_no_thread_for_long(settings: Settings) -> None:
    url = make_url(settings.database_url)
    with stalling_proxy(url.host or "", url.port or 5432) as proxy:
        through = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        database = Database(through, pool_size=2, metrics=Metrics())
        database.fetch_all(text("SELECT 1"))
        proxy.stalled.set()
        began = time.monotonic()

        with pytest.raises(Unavailable):
            database.fetch_all(text("SELECT 1"))
        took_s = time.monotonic() - began

        assert took_s < 10.0
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        database.close()


def test_all_connections_may_be_cut_between_two_requests(shop: Shop) -> None:
    def all_at_once() -> None:
        crowd = [threading.Thread(target=lambda: shop.rows("SELECT pg_sleep(0.05)")) for _ in range(8)]
        for somebody in crowd:
            somebody.start()
        for somebody in crowd:
            somebody.join()

    all_at_once()
    shop.change("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND application_name = 'monolith'")  # fmt: skip

    with shop.database.transaction() as connection:
        connection.execute(INSERT)

    assert [item["available"] for item in shop.ask("GET", "/products").get_json()["items"]] == [0]
    assert shop.rows("SELECT sku FROM products") == [("LAMP",)]


def test_a_database_that_is_away_is_unavailable_and_not_ready() -> None:
    away = Database(NOBODY, pool_size=1, metrics=Metrics())

    with pytest.raises(Unavailable):
        away.fetch_all(text("SELECT 1"))
    with pytest.raises(Unavailable), away.transaction():
        pytest.fail("there is no transaction")

    assert not away.is_ready()
    away.close()


def test_readiness_does_not_wait_for_a_database_that_hangs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.database.is_ready()
    answered = threading.Event()
    monkeypatch.setattr(shop.database, "fetch_all", lambda _: answered.wait(5))

    assert not shop.database.is_ready(within_s=0.05)
    assert not shop.database.is_ready(within_s=0.05)
    answered.set()


def test_the_tables_described_are_the_tables_migrated(settings: Settings) -> None:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  (slow to import)
    from alembic.migration import MigrationContext  # noqa: PLC0415

    engine = create_engine(make_url(settings.database_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        differences: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert [one for one in differences if one[0] not in BY_HAND] == []


def test_migrating_twice_is_migrating_once(settings: Settings) -> None:
    migrate(settings.database_url)
