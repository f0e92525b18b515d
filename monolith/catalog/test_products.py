"""Products are found by their words and their shelf, page by page, and kept plans make that cheap."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from monolith.catalog.products import _list
from monolith.catalog.seeding import seed, seed_if_empty
from monolith.config import Settings
from monolith.database import Database
from shared.platform.metrics import Metrics
from tests.monolith_stage import Shop
from tests.plans import generic_plan


def skus(shop: Shop, query: str) -> list[str]:
    """Return the skus of all pages of a list."""
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page: Any = shop.ask("GET", f"/products?{query}" + (f"&cursor={cursor}" if cursor else "")).json
        names += [item["sku"] for item in page["items"]]
        cursor = page["next_cursor"]
    return names


def test_a_large_catalog_is_filled_however_long_that_takes(
    shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.platform.impatient_psycopg.STATEMENT_TIMEOUT_MS", 100)
    database = Database(settings.database_url, pool_size=1, metrics=Metrics(), patient=True)
    try:
        seed_if_empty(database, 20_000)
    finally:
        database.close()

    assert shop.rows("SELECT count(*) FROM products") == [(20_000,)]


def test_a_search_reads_a_few_products_and_then_asks_the_indexes(
    shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.platform.product_search.NEAR", 1_000)  # as far below all of them as in a large catalog
    _list.cache_clear()
    with shop.database.transaction() as connection:
        seed(connection, 20_000)

    anywhere, on_a_shelf, shelf, whole = (
        generic_plan(settings.database_url, _list(frozenset(names), 21))
        for names in (("query", "after"), ("query", "category", "after"), ("category", "after"), ("after",))
    )

    assert "Index Scan using products_pkey" in anywhere
    assert "Bitmap Index Scan on products_by_words" in anywhere
    assert "Index Scan using products_by_category" in on_a_shelf
    assert "Index Scan using products_by_category" in shelf
    assert "Seq Scan on products" not in anywhere + on_a_shelf + shelf
    assert "Merge Join" not in whole  # which walks all stock up to the sku that is asked for
    _list.cache_clear()


@pytest.mark.parametrize(("next_products", "near"), [(500, 20_000), (2, 20_000), (2, 4), (2, 7), (1, 1)])
def test_a_search_finds_the_same_wherever_it_looks(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, next_products: int, near: int
) -> None:
    monkeypatch.setattr("shared.platform.product_search.NEXT", next_products)
    monkeypatch.setattr("shared.platform.product_search.NEAR", near)
    _list.cache_clear()
    for number in range(9):
        shop.stocks(f"LAMP-{number}", stock=0, name="green" if number in (0, 1, 5, 8) else "red")
    shop.stocks("LAMP-4", stock=0, name="green", category="garden")

    assert skus(shop, "query=green&limit=1") == ["LAMP-0", "LAMP-1", "LAMP-4", "LAMP-5", "LAMP-8"]
    assert skus(shop, "query=green&category=furniture&limit=1") == ["LAMP-0", "LAMP-1", "LAMP-5", "LAMP-8"]
    _list.cache_clear()


def test_categories_are_counted_as_products_come_move_and_go(shop: Shop) -> None:
    for sku, category in (("LAMP-1", "light"), ("LAMP-2", "light"), ("CHAIR", "wood"), ("LAMP-2", "wood")):
        shop.stocks(sku, stock=1, category=category)
    assert counts(shop) == {"light": 1, "wood": 2}

    shop.change("DELETE FROM stock WHERE sku = 'LAMP-1'")
    shop.change("DELETE FROM products WHERE sku = 'LAMP-1'")
    assert counts(shop) == {"wood": 2}

    shop.change("TRUNCATE products, stock")
    assert counts(shop) == {}


def counts(shop: Shop) -> dict[str, int]:
    body: Any = shop.ask("GET", "/categories").json
    return {category["name"]: category["product_count"] for category in body["items"]}


def test_pages_together_are_the_whole_list(shop: Shop) -> None:
    names = [shop.stocks(f"LAMP-{number}", stock=0) for number in range(7)]

    assert skus(shop, "limit=3") == skus(shop, "limit=7") == names


def test_words_are_found_in_names_and_on_one_shelf(shop: Shop) -> None:
    shop.stocks("LAMP-1", stock=0, name="Reading Lamp, green")
    shop.stocks("LAMP-2", stock=0, name="Reading Lamp, red")

    assert skus(shop, "query=green lamp") == ["LAMP-1"]
    assert skus(shop, "query=lamp -green&category=furniture") == ["LAMP-2"]
    assert skus(shop, "query=lamp&category=garden") == []


def test_a_replaced_product_keeps_its_stock_and_is_found_by_its_new_name(shop: Shop) -> None:
    shop.stocks("LAMP", stock=7, name="Old")

    shop.stocks("LAMP", stock=0, name="New")

    assert shop.ask("GET", "/products/LAMP").json["available"] == 7
    assert (skus(shop, "query=new"), skus(shop, "query=old")) == (["LAMP"], [])


def test_restocking_is_once_for_each_key(shop: Shop) -> None:
    shop.stocks("LAMP", stock=0)

    answers = [shop.ask("POST", "/products/LAMP/restock", {"quantity": 3}, who="admin", key="k") for _ in "12"]

    assert answers[0].data == answers[1].data
    assert shop.rows("SELECT initial, restocked, available FROM stock") == [(0, 3, 3)]


def test_restocking_what_is_not_there_leaves_the_key_free(shop: Shop) -> None:
    assert shop.ask("POST", "/products/LAMP/restock", {"quantity": 3}, who="admin", key="k").status_code == 404
    shop.stocks("LAMP", stock=0)

    assert shop.ask("POST", "/products/LAMP/restock", {"quantity": 3}, who="admin", key="k").status_code == 200


def test_seeding_twice_is_seeding_once(shop: Shop) -> None:
    with shop.database.transaction() as connection:
        seed(connection, 20)

    seed_if_empty(shop.database, 30)

    assert shop.rows("SELECT count(*) FROM products") == [(20,)]


def test_a_list_keeps_its_plan(shop: Shop) -> None:
    with shop.database.transaction() as connection:
        seed(connection, 200)
    for _ in range(20):
        shop.ask("GET", "/products")

    plans = shop.database.fetch_all(
        text("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%LIMIT 21%'")
    )

    assert [plan.custom_plans for plan in plans] == [5]  # PostgreSQL compares so many with the one that it then keeps
