"""Reading products, and what an admin does to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from monolith.catalog.tables import products, stock
from monolith.database import Database
from shared.contract.bodies import Category, CategoryList, Product, ProductInput, ProductPage, product_fields
from shared.contract.queries import ProductQuery, encode_cursor
from shared.domain.errors import NotFound
from shared.platform.injected_faults import inject

_PRODUCTS = select(
    products.c.sku,
    products.c.name,
    products.c.description,
    products.c.category,
    products.c.price,
    products.c.currency,
    stock.c.available,
).select_from(products.join(stock, products.c.sku == stock.c.sku))
_ONE = _PRODUCTS.where(products.c.sku == bindparam("sku"))
_CATEGORIES = (
    select(products.c.category, func.count().label("products"))
    .group_by(products.c.category)
    .order_by(products.c.category)
)
_PUT = insert(products)
_PUT = _PUT.on_conflict_do_update(
    index_elements=["sku"],
    set_={name: _PUT.excluded[name] for name in ("name", "description", "category", "price", "currency")},
)
_WITHOUT_STOCK = insert(stock).on_conflict_do_nothing()


def list_products(database: Database, query: ProductQuery) -> ProductPage:
    """Return a page of products in the order of their skus."""
    inject("catalog", query.query or "")
    conditions = {"query": query.query, "category": query.category, "after": query.after}
    parameters = {name: value for name, value in conditions.items() if value is not None}
    rows = database.fetch_all(_list(frozenset(parameters), query.limit + 1), parameters)
    return _page(rows, query.limit)


@cache
def _list(conditions: frozenset[str], rows: int) -> Select[Any]:
    """Return the list with these conditions. The limit is part of the text, not a parameter.

    PostgreSQL would plan anew for each page if it did not know the limit, which costs three times the read.
    """
    statement = _PRODUCTS.order_by(products.c.sku).limit(literal_column(str(rows)))
    if "query" in conditions:
        words = func.websearch_to_tsquery(literal_column("'simple'"), bindparam("query"))
        statement = statement.where(products.c.search.op("@@")(words))
    if "category" in conditions:
        statement = statement.where(products.c.category == bindparam("category"))
    if "after" in conditions:
        statement = statement.where(products.c.sku > bindparam("after"))
    return statement


def get_product(database: Database, sku: str) -> Product:
    """Return one product. Raises NotFound."""
    return _product(database.fetch_one(_ONE, {"sku": sku}))


def find_product(connection: Connection, sku: str) -> Product:
    """Return one product as the transaction at hand sees it. Raises NotFound."""
    return _product(connection.execute(_ONE, {"sku": sku}).first())


def list_categories(database: Database) -> CategoryList:
    """Return all categories with their number of products."""
    rows = database.fetch_all(_CATEGORIES)
    return CategoryList(items=[Category(name=row.category, product_count=row.products) for row in rows])


def put_product(connection: Connection, sku: str, body: ProductInput) -> Product:
    """Create or replace a product; its stock stays as it is, none for a new one."""
    connection.execute(_PUT, body.columns(sku))
    connection.execute(_WITHOUT_STOCK, {"sku": sku, "initial": 0, "available": 0})
    return find_product(connection, sku)


def _page(rows: Sequence[Sequence[Any]], limit: int) -> ProductPage:
    more = len(rows) > limit
    items = [product_fields(row) for row in rows[:limit]]
    # One validation of the whole page: one by one, its forty bodies would cost half as much again.
    return ProductPage.model_validate(
        {"items": items, "next_cursor": encode_cursor(items[-1]["sku"]) if more else None}
    )


def _product(row: Sequence[Any] | None) -> Product:
    if row is None:
        raise NotFound("There is no such product.")
    return Product.model_validate(product_fields(row))
