"""Lists page through everything once, and what an admin does happens once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from microservices.catalog.config import CatalogSettings
from microservices.catalog.products import Products, _list
from microservices.catalog.seeding import seed_if_empty
from microservices.catalog.tables import PRUNE_TOMBSTONES
from microservices.kit.database import Database
from microservices.kit.idempotency import PRUNE_KEYS
from microservices.kit.pruning import Pruner
from shared.contract.bodies import CategoryList, Product, ProductInput, ProductPage, RestockInput
from shared.contract.parsing import Keyed
from shared.contract.queries import decode_cursor, parse_product_query
from shared.domain.errors import IdempotencyKeyReused, NotFound
from tests.plans import generic_plan

Play = Callable[[Any], Any]


def page_of(body: bytes) -> ProductPage:
    return ProductPage.model_validate_json(body, strict=True, extra="forbid")


async def skus(service: Products, query: str | None = None, category: str | None = None) -> list[str]:
    names, cursor = [], None
    while True:
        parameters = {"query": query, "category": category, "limit": "2", "cursor": cursor}
        page_query = parse_product_query((name, value) for name, value in parameters.items() if value is not None)
        page = page_of(await service.list_products(page_query))
        names += [item.sku for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return names
        assert decode_cursor(cursor) == names[-1]


def test_answers_are_those_of_the_contract(play: Play) -> None:
    async def scene(database: Database) -> None:
        service = Products(database)

        product = Product.model_validate_json(await service.get_product("APPLE-1"), strict=True, extra="forbid")
        categories = CategoryList.model_validate_json(await service.list_categories(), strict=True, extra="forbid")

        assert (product.sku, product.price.amount, product.available) == ("APPLE-1", 50, 10)
        assert [(category.name, category.product_count) for category in categories.items] == [("food", 3)]

    play(scene)


def test_pages_hold_every_product_once_in_sku_order(play: Play) -> None:
    async def scene(database: Database) -> None:
        assert await skus(Products(database)) == ["APPLE-1", "BREAD-1", "CHAIR-1"]

    play(scene)


@pytest.mark.parametrize(
    ("query", "category", "names"),
    [
        ("apple-1 tests", None, ["APPLE-1"]),
        ("for", "food", ["APPLE-1", "BREAD-1", "CHAIR-1"]),
        ("for -bread-1", None, ["APPLE-1", "CHAIR-1"]),
        ("apple nowhere", None, []),
        (None, "nothing", []),
        ("\"'&|!:*()<->", None, []),
    ],
)
def test_search_finds_words_and_takes_any_text(
    play: Play, query: str | None, category: str | None, names: list[str]
) -> None:
    async def scene(database: Database) -> None:
        assert await skus(Products(database), query, category) == names

    play(scene)


def test_a_replaced_product_keeps_its_stock_and_a_new_one_has_none(play: Play) -> None:
    async def scene(database: Database) -> None:
        service = Products(database)
        body = ProductInput.model_validate(
            {"name": "Pear", "description": "Ripe.", "category": "fruit", "price": {"amount": 70}}
        )

        replaced = Product.model_validate_json(await service.put_product("APPLE-1", body))
        product = Product.model_validate_json(await service.put_product("PEAR-1", body))

        assert (replaced.name, replaced.available) == ("Pear", 10)
        assert (product.name, product.available) == ("Pear", 0)
        assert await skus(service, "ripe") == ["APPLE-1", "PEAR-1"]

    play(scene)


def test_a_restock_with_the_same_key_happens_once(play: Play) -> None:
    async def scene(database: Database) -> None:
        service = Products(database)
        keyed = Keyed(RestockInput(quantity=5), "CRUNCHY-KEY", "print")

        first = await service.restock("root", "APPLE-1", keyed)
        again = await service.restock("root", "APPLE-1", keyed)

        assert Product.model_validate_json(first.body).available == 15
        assert (again.status, again.body, again.headers) == (200, first.body, {"Idempotent-Replayed": "true"})
        with pytest.raises(IdempotencyKeyReused):
            await service.restock("root", "APPLE-1", Keyed(keyed.body, "CRUNCHY-KEY", "other"))

    play(scene)


def test_a_restock_of_nothing_leaves_its_key_free(play: Play) -> None:
    async def scene(database: Database) -> None:
        service = Products(database)
        keyed = Keyed(RestockInput(quantity=5), "CRUNCHY-KEY", "print")

        with pytest.raises(NotFound):
            await service.restock("root", "NOTHING-1", keyed)

        assert (await service.restock("root", "APPLE-1", keyed)).headers == {}

    play(scene)


def test_an_empty_catalog_is_seeded_and_a_full_one_left_alone(play: Play) -> None:
    async def scene(database: Database) -> None:
        service = Products(database)
        await seed_if_empty(database, 50)
        assert len(await skus(service)) == 3

        async with database.transaction() as connection:
            await connection.exec_driver_sql("TRUNCATE products")
        await seed_if_empty(database, 50)

        assert len(await skus(service)) == 50

    play(scene)


def test_a_large_catalog_is_filled_however_long_that_takes(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microservices.kit.database.ANSWER_TIMEOUT_S", 0.5)

    async def scene(database: Database) -> None:
        async with database.transaction() as connection:
            await connection.exec_driver_sql("TRUNCATE products")
        await seed_if_empty(database, 20_000)

        assert (await database.read(text("SELECT count(*) FROM products")))[0][0] == 20_000

    play(scene)


def test_a_search_reads_a_few_products_and_then_asks_the_indexes(
    play: Play, service_database_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.platform.product_search.NEAR", 1_000)  # as far below all of them as in a large catalog
    _list.cache_clear()

    async def scene(database: Database) -> None:
        async with database.transaction() as connection:
            await connection.exec_driver_sql("TRUNCATE products")
        await seed_if_empty(database, 20_000)

    play(scene)
    anywhere, on_a_shelf, shelf = (
        generic_plan(service_database_urls["catalog"], _list(frozenset(names), 21))
        for names in (("query", "after"), ("query", "category", "after"), ("category", "after"))
    )

    assert "Index Scan using products_pkey" in anywhere
    assert "Bitmap Index Scan on products_by_text" in anywhere
    assert "Index Scan using products_by_category" in on_a_shelf
    assert "Index Scan using products_by_category" in shelf
    assert "Seq Scan on products" not in anywhere + on_a_shelf + shelf
    _list.cache_clear()


@pytest.mark.parametrize(("next_products", "near"), [(500, 20_000), (2, 20_000), (2, 4), (2, 7), (1, 1)])
def test_a_search_finds_the_same_wherever_it_looks(
    play: Play, monkeypatch: pytest.MonkeyPatch, next_products: int, near: int
) -> None:
    monkeypatch.setattr("shared.platform.product_search.NEXT", next_products)
    monkeypatch.setattr("shared.platform.product_search.NEAR", near)
    _list.cache_clear()

    async def scene(database: Database) -> None:
        service = Products(database)
        for number in range(9):
            await put(service, f"LAMP-{number}", "green" if number in (0, 1, 5, 8) else "red", "furniture")
        await put(service, "LAMP-4", "green", "garden")

        assert await skus(service, "green") == ["LAMP-0", "LAMP-1", "LAMP-4", "LAMP-5", "LAMP-8"]
        assert await skus(service, "green", "furniture") == ["LAMP-0", "LAMP-1", "LAMP-5", "LAMP-8"]

    play(scene)
    _list.cache_clear()


def test_categories_are_counted_as_products_come_move_and_go(play: Play) -> None:
    async def scene(database: Database) -> None:
        service = Products(database)
        for sku, category in (("LAMP-1", "light"), ("LAMP-2", "light"), ("CHAIR-1", "wood"), ("LAMP-2", "wood")):
            await put(service, sku, "Lamp", category)
        assert await counts(service) == {"food": 2, "light": 1, "wood": 2}

        await database.write(text("DELETE FROM products WHERE sku = 'LAMP-1'"))
        assert await counts(service) == {"food": 2, "wood": 2}

        await database.write(text("TRUNCATE products"))
        assert await counts(service) == {}

    play(scene)


async def put(service: Products, sku: str, name: str, category: str) -> None:
    body = {"name": name, "description": "Crunchy.", "category": category, "price": {"amount": 500}}
    await service.put_product(sku, ProductInput.model_validate(body))


async def counts(service: Products) -> dict[str, int]:
    body = CategoryList.model_validate_json(await service.list_categories())
    return {category.name: category.product_count for category in body.items}


def test_a_list_keeps_its_plan(play: Play) -> None:
    async def scene(database: Database) -> None:
        for _ in range(20):
            await Products(database).list_products(parse_product_query([]))

        plans = await database.read(
            text("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%LIMIT 21'")
        )
        assert [plan.custom_plans for plan in plans] == [5]  # PostgreSQL compares so many with the one it then keeps

    play(scene)


async def available(database: Database) -> int:
    rows = await database.read(text("SELECT available FROM products WHERE sku = 'APPLE-1'"))
    return int(rows[0].available)


def test_an_old_key_may_restock_again(play: Play) -> None:
    async def scene(database: Database) -> None:
        service = Products(database)
        keyed = Keyed(RestockInput(quantity=5), "key-1", "APPLE-1:5")
        pruner = Pruner(database, CatalogSettings(twinshop_mode="local", database_url="-", service_public_keys="-"))
        pruner.statements.append(PRUNE_KEYS)

        await service.restock("root", "APPLE-1", keyed)
        await pruner.step()
        await service.restock("root", "APPLE-1", keyed)
        assert await available(database) == 15
        await database.write(text("UPDATE idempotency_keys SET created_at = now() - interval '3 days'"))
        await pruner.step()
        await service.restock("root", "APPLE-1", keyed)

        assert await available(database) == 20

    play(scene)


def test_an_old_tombstone_is_forgotten_and_no_other_reservation(play: Play) -> None:
    async def scene(database: Database) -> None:
        pruner = Pruner(database, CatalogSettings(twinshop_mode="local", database_url="-", service_public_keys="-"))
        pruner.statements.append(PRUNE_TOMBSTONES)
        add = text(
            "INSERT INTO reservations (order_id, status, lines, created_at) "
            "VALUES (gen_random_uuid(), :status, '[]', now() - :age * interval '1 day')"
        )
        for status, age in (("tombstone", 3), ("tombstone", 0), ("released", 3), ("sold", 3), ("reserved", 3)):
            await database.write(add, {"status": status, "age": age})

        await pruner.step()

        rows = await database.read(text("SELECT status FROM reservations ORDER BY status"))
        assert [row.status for row in rows] == ["released", "reserved", "sold", "tombstone"]

    play(scene)
