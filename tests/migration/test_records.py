"""What a module keeps is the same on both sides: copied out, verified, copied back, and nothing is lost or made up."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from functools import partial

import psycopg
import pytest

from microservices.kit.database import Database
from microservices.kit.migrate import migrate as migrate_service
from migration import catalog, copying, notifications, orders, payments
from migration.copying import Copy, DataDiffers
from migration.records import Module
from monolith import orders as monolith_orders
from monolith.config import Settings
from monolith.pruning import Pruner
from shared.platform.metrics import Metrics
from tests.journeys.waiting import until
from tests.monolith_stage import SECRET, Shop, declined, hangs, open_shop

MODULES = {module.name: module for module in (notifications.MODULE, catalog.MODULE, payments.MODULE, orders.MODULE)}
# Which of the monolith's rows are a module's own, without what only says when a loop looks at them again.
ROWS_OF = {
    "notifications": ["SELECT to_jsonb(n) - 'next_attempt_at' FROM notifications n"],
    "catalog": [
        "SELECT to_jsonb(p) FROM products p",
        "SELECT to_jsonb(s) FROM stock s",
        "SELECT to_jsonb(r) FROM reservations r",
    ],
    "payments": [
        "SELECT to_jsonb(p) - 'next_attempt_at' FROM payments p",
        "SELECT to_jsonb(r) - 'next_attempt_at' FROM refunds r",
    ],
    "orders": [
        "SELECT to_jsonb(o) FROM orders o",
        "SELECT to_jsonb(k) - '{created_at,finished_at}'::text[] FROM idempotency_keys k",
    ],
}
KEYS = "SELECT to_jsonb(k) - '{resource_id,finished_at}'::text[] FROM idempotency_keys k"


@pytest.fixture
def shop(extraction_database_url: str) -> Iterator[Shop]:
    """A monolith in which everything has happened: bought, declined, refused, pending, cancelled, refunded."""
    settings = Settings(twinshop_mode="local", database_url=extraction_database_url, webhook_secret=SECRET)
    with open_shop(settings) as shop:
        shop.change("TRUNCATE sagas, outbox, inbox")
        shop.stocks("CHAIR-1", 100)
        shop.stocks("APPLE-1", 100, price=50, name="Apple")
        bought = [shop.buy(("CHAIR-1", 1), ("APPLE-1", 3), key=f"key-{number}").json for number in range(5)]
        assert shop.ask("POST", f"/orders/{bought[0]['id']}/cancel").status_code == 200
        amount = {"amount": {"amount": 100, "currency": "EUR"}}
        paid = f"/payments/{bought[1]['payment_id']}/refunds"
        assert shop.ask("POST", paid, amount, who="admin", key="refund-1").status_code == 200
        restock = "/products/CHAIR-1/restock"  # under the same key: it counts for each operation
        assert shop.ask("POST", restock, {"quantity": 1}, who="admin", key="refund-1").status_code == 200
        assert shop.buy(("APPLE-1", 100)).status_code == 409
        shop.provider.charge = declined
        assert shop.buy(("APPLE-1", 1)).status_code == 402
        shop.provider.charge = hangs
        assert shop.buy(("APPLE-1", 2)).status_code == 202
        yield shop
        shop.change("TRUNCATE sagas, outbox, inbox")  # nobody relays here, and others look for what is unfinished


@pytest.fixture
def urls(extraction_database_url: str, service_database_urls: dict[str, str]) -> dict[str, dict[str, str]]:
    """The databases of both sides, by module."""
    return {
        name: {"monolith": extraction_database_url, "service": _with_schema(name, url)}
        for name, url in service_database_urls.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_module_that_moved_out_and_back_is_as_it_was(name: str, shop: Shop, urls: dict[str, dict[str, str]]) -> None:
    module = MODULES[name]
    if name == "orders":  # the last to leave: the keys of the others went with them
        shop.change("DELETE FROM idempotency_keys WHERE resource_id NOT IN (SELECT id FROM orders)")
    before, keys = _rows_of(shop, name), _rows(shop, KEYS)

    assert _moved(module, "monolith", urls[name]) > 0
    copying.empty(module, "monolith", urls[name]["monolith"])
    assert not any(_rows_of(shop, name))
    _moved(module, "service", urls[name])

    assert _rows_of(shop, name) == before
    assert _rows(shop, KEYS) == keys
    paid = shop.rows("SELECT id::text FROM payments")
    assert paid
    for (payment_id,) in paid:
        assert shop.ask("GET", f"/payments/{payment_id}").status_code == 200
    for path in ("/notifications", "/products", "/orders"):
        assert shop.ask("GET", path).json["items"]


@pytest.mark.parametrize("name", MODULES)
def test_copy_follows_what_changes_meanwhile(name: str, shop: Shop, urls: dict[str, dict[str, str]]) -> None:
    copy = Copy(MODULES[name], "monolith", urls[name])
    try:
        copy.start()
        shop.provider.charge = declined
        shop.settle()
        shop.stocks("SOFA-1", 3)
        shop.buy(("SOFA-1", 1), key="late")
        shop.change("DELETE FROM notifications WHERE kind = 'payment_pending'")
        copy.catch_up()

        assert copy.verify() > 0
    finally:
        copy.stop()


def test_whoever_holds_a_table_that_is_to_be_emptied_is_waited_for_and_never_ended(
    shop: Shop, urls: dict[str, dict[str, str]]
) -> None:
    copy = Copy(MODULES["catalog"], "monolith", urls["catalog"])
    started = threading.Thread(target=copy.start, daemon=True)
    try:
        with psycopg.connect(urls["catalog"]["service"]) as service:
            service.execute("LOCK TABLE reservations IN ROW EXCLUSIVE MODE")
            started.start()
            time.sleep(0.2)
            service.execute("LOCK TABLE products IN ROW EXCLUSIVE MODE")  # which the copy holds, and wants the other
        started.join()
        copy.catch_up()

        assert copy.verify() > 0
    finally:
        copy.stop()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("notifications", "UPDATE notifications SET status = 'sent' WHERE kind = 'payment_pending'"),
        ("catalog", "UPDATE reservations SET status = 'returned' WHERE status = 'sold'"),
        ("catalog", "DELETE FROM idempotency_keys"),
        ("payments", "UPDATE payments SET refunded = 0"),
        ("payments", "DELETE FROM refunds WHERE origin = 'admin'"),
        ("orders", "UPDATE orders SET answer_body = 'x' WHERE answer_status = 201"),
    ],
)
def test_planted_difference_is_found(name: str, spoil: str, shop: Shop, urls: dict[str, dict[str, str]]) -> None:
    copy = Copy(MODULES[name], "monolith", urls[name])
    try:
        copy.start()
        copy.catch_up()
        copy.verify()
        with psycopg.connect(urls[name]["service"]) as service:
            service.execute(spoil.encode())

        with pytest.raises(DataDiffers, match=r"the monolith has \d+ with checksum"):
            copy.verify()
    finally:
        copy.stop()


def test_orders_whose_key_was_given_back_or_forgotten_come_back(shop: Shop, urls: dict[str, dict[str, str]]) -> None:
    shop.change("DELETE FROM idempotency_keys WHERE resource_id NOT IN (SELECT id FROM orders)")
    _moved(orders.MODULE, "monolith", urls["orders"])
    copying.empty(orders.MODULE, "monolith", urls["orders"]["monolith"])
    with psycopg.connect(urls["orders"]["service"]) as service:
        service.execute(
            "UPDATE orders SET idempotency_key = NULL, answer_status = NULL, answer_media_type = NULL, "
            "answer_body = NULL WHERE idempotency_key = 'key-3'"
        )

    assert _moved(orders.MODULE, "service", urls["orders"]) > 0

    assert shop.rows("SELECT count(*) FROM orders WHERE idempotency_key IS NULL") == [(1,)]
    assert shop.rows("SELECT key FROM idempotency_keys WHERE key = 'key-3'") == []


def test_neither_side_forgets_old_keys_while_one_is_copied(shop: Shop, urls: dict[str, dict[str, str]]) -> None:
    shop.change("UPDATE idempotency_keys SET created_at = now() - interval '99 days', finished_at = NULL")
    count = shop.rows("SELECT count(*) FROM idempotency_keys")
    pruner = Pruner(shop.database, [partial(monolith_orders.prune_keys, 48)])

    copy = Copy(catalog.MODULE, "monolith", urls["catalog"])
    try:
        copy.start()
        assert pruner.forget() == 0
        assert shop.rows("SELECT count(*) FROM idempotency_keys") == count
        assert copy.verify() > 0
    finally:
        copy.stop()

    # The server lets go of the copy's lock when it has noticed that the copy is gone.
    assert until("old keys are forgotten", pruner.forget) > 0


def test_nobody_works_on_a_copy(shop: Shop, urls: dict[str, dict[str, str]]) -> None:
    for name in ("notifications", "payments"):
        _moved(MODULES[name], "monolith", urls[name], release=False)

    due = "SELECT count(*) FROM {} WHERE {} <= now()"
    with psycopg.connect(urls["notifications"]["service"]) as service:
        assert service.execute(due.format("notifications", "next_attempt_at").encode()).fetchone() == (0,)
    with psycopg.connect(urls["payments"]["service"]) as service:
        assert service.execute(due.format("payments", "due_at").encode()).fetchone() == (0,)


def test_payments_that_come_back_are_asked_again_where_their_order_has_not_heard(
    shop: Shop, urls: dict[str, dict[str, str]]
) -> None:
    module = MODULES["payments"]
    _moved(module, "monolith", urls["payments"])
    copying.empty(module, "monolith", urls["payments"]["monolith"])
    with psycopg.connect(urls["payments"]["service"]) as service:
        service.execute("UPDATE payments SET status = 'captured', captured = amount WHERE status = 'pending'")
    (confirmed,) = shop.rows("SELECT id::text FROM orders WHERE idempotency_key = 'key-3'")[0]
    shop.change(f"UPDATE orders SET status = 'placed', lines = '[]', total = NULL WHERE id = '{confirmed}'")
    shop.change(f"INSERT INTO sagas (order_id, payment_method, wanted) VALUES ('{confirmed}', 'pm_ok', '{{}}')")

    copy = Copy(module, "service", urls["payments"])
    try:
        copy.start()
        copy.catch_up()
        copy.verify()
        copy.release()
    finally:
        copy.stop()

    due = shop.rows(
        "SELECT orders.status FROM payments JOIN orders ON orders.id = order_id WHERE next_attempt_at <= now()"
    )
    assert due == [("payment_pending",)]
    assert shop.rows(f"SELECT * FROM payments WHERE order_id = '{confirmed}'") == []
    assert shop.rows("SELECT order_id::text FROM sagas WHERE due_at <= now()") == [(confirmed,)]


def _moved(module: Module, source: str, urls: dict[str, str], *, release: bool = True) -> int:
    copy = Copy(module, source, urls)
    try:
        copy.start()
        copy.catch_up()
        count = copy.verify()
        if release and module.name != "payments":  # back in the monolith, payments are asked again
            copy.release()
        return count
    finally:
        copy.stop()


def _rows_of(shop: Shop, name: str) -> list[list[str]]:
    return [_rows(shop, sql) for sql in ROWS_OF[name]]


def _rows(shop: Shop, sql: str) -> list[str]:
    text = re.sub(r"SELECT (.*) FROM", r"SELECT (\1)::text FROM", sql)
    return sorted(row for (row,) in shop.rows(text))


def _with_schema(name: str, url: str) -> str:
    async def bring_up() -> None:
        database = Database(url, 1, Metrics(), "test")
        try:
            await migrate_service(database, f"microservices.{name}")
        finally:
            await database.close()

    asyncio.run(bring_up())
    return url
