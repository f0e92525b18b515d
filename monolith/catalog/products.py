"""Reading products, and what an admin does to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from monolith.catalog.tables import products, stock
from monolith.database import Database
from shared.contract.bodies import Category, CategoryList, Product, ProductInput, ProductPage, product_fields
from shared.contract.queries import ProductQuery, encode_cursor
from shared.domain.errors import NotFound
from shared.platform.injected_faults import inject

# A search looks through so many products before it asks the index of words: common words are found at once, while the
# index would name all of their products first. It costs about as much as naming a thousand.
NEXT_PRODUCTS = 500

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
    asked = frozenset(parameters)
    rows = database.fetch_all(_list(asked, query.limit + 1), parameters)
    if query.query is not None and len(rows) <= query.limit:
        rows = database.fetch_all(_list(asked, query.limit + 1, by_index=True), parameters)
    return _page(rows, query.limit)


@cache
def _list(asked: frozenset[str], rows: int, *, by_index: bool = False) -> Select[Any]:
    """Return the list for these parameters; of a search, what the next products hold of it, or all `by_index`.

    The limit is part of the text, not a parameter: PostgreSQL would plan anew for each page if it did not know the
    limit, which costs three times the read.
    """
    limit: ColumnElement[int] = literal_column(str(rows))
    if "query" not in asked:
        return _chosen(_PRODUCTS, asked).order_by(products.c.sku).limit(limit)
    if by_index:
        # Materialized, so that nobody walks all products in the order of their sku in the hope of a match.
        hits = _chosen(select(products.c.sku), asked).where(_has_words(products.c.search))
        skus = select(hits.cte("hits").prefix_with("MATERIALIZED").c.sku)
    else:
        near = _chosen(select(products.c.sku, products.c.search), asked).order_by(products.c.sku)
        next_products = near.limit(literal_column(str(NEXT_PRODUCTS))).subquery("next_products")
        skus = select(next_products.c.sku).where(_has_words(next_products.c.search))
    page = skus.order_by("sku").limit(limit).subquery("page")
    return _PRODUCTS.join(page, page.c.sku == products.c.sku).order_by(products.c.sku)


def _chosen(rows: Select[Any], asked: frozenset[str]) -> Select[Any]:
    if "category" in asked:
        rows = rows.where(products.c.category == bindparam("category"))
    return rows.where(products.c.sku > bindparam("after")) if "after" in asked else rows


def _has_words(search: ColumnElement[Any]) -> ColumnElement[bool]:
    return search.bool_op("@@")(func.websearch_to_tsquery(literal_column("'simple'"), bindparam("query", type_=Text)))


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
