"""Reading products, and what an admin does to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert

from monolith import idempotency
from monolith.catalog import stock as movements
from monolith.catalog.tables import products, stock
from monolith.database import Database
from shared.contract.answers import Answer
from shared.contract.bodies import (
    Category,
    CategoryList,
    Product,
    ProductInput,
    ProductPage,
    RestockInput,
    product_fields,
)
from shared.contract.parsing import Keyed
from shared.contract.queries import ProductQuery, encode_cursor
from shared.domain.errors import NotFound
from shared.domain.ids import new_id
from shared.platform.injected_faults import inject
from shared.platform.product_search import in_order, page_of_skus

_OF_PRODUCT = [products.c[name] for name in ("sku", "name", "description", "category", "price", "currency")]
_PRODUCTS = select(*_OF_PRODUCT, stock.c.available).join(stock, products.c.sku == stock.c.sku)
# Asked product by product, else PostgreSQL may walk all stock up to the first sku of a page.
_STOCK = select(stock.c.available).where(stock.c.sku == products.c.sku).scalar_subquery()
_AVAILABLE = func.coalesce(_STOCK, literal_column("0"))
_ONE = _PRODUCTS.where(products.c.sku == bindparam("sku"))
_CATEGORIES = text("SELECT name, product_count FROM categories WHERE product_count > 0 ORDER BY name")
_PUT = insert(products)
_PUT = _PUT.on_conflict_do_update(
    index_elements=["sku"],
    set_={name: _PUT.excluded[name] for name in ("name", "description", "category", "price", "currency")},
)
_WITHOUT_STOCK = insert(stock).on_conflict_do_nothing()


def list_products(database: Database, query: ProductQuery) -> ProductPage:
    """Return a page of products in the order of their skus."""
    inject("catalog", query.query or "")
    parameters = {"query": query.query, "category": query.category, "after": query.after or ""}
    bound_parameters = {name: value for name, value in parameters.items() if value is not None}
    return _page(database.fetch_all(_list(frozenset(bound_parameters), query.limit + 1), bound_parameters), query.limit)


@cache
def _list(names: frozenset[str], row_count: int) -> Select[Any]:
    """Return the list for these parameters. Its limit is in the text, which keeps its plan."""
    by_category = "category" in names
    if "query" in names:
        page = text(page_of_skus(row_count, by_category=by_category)).columns(sku=Text).subquery("page")
        return _PRODUCTS.join(page, page.c.sku == products.c.sku).order_by(products.c.sku)
    within, order = in_order(by_category=by_category)
    rows: ColumnElement[int] = literal_column(str(row_count))
    return select(*_OF_PRODUCT, _AVAILABLE).where(text(within)).order_by(text(order)).limit(rows)


def get_product(database: Database, sku: str) -> Product:
    """Return one product. Raises NotFound."""
    return _product(database.fetch_one(_ONE, {"sku": sku}))


def find_product(connection: Connection, sku: str) -> Product:
    """Return one product as the transaction at hand sees it. Raises NotFound."""
    return _product(connection.execute(_ONE, {"sku": sku}).first())


def list_categories(database: Database) -> CategoryList:
    """Return all categories with their number of products."""
    rows = database.fetch_all(_CATEGORIES)
    return CategoryList(items=[Category(name=row.name, product_count=row.product_count) for row in rows])


def put_product(connection: Connection, sku: str, body: ProductInput) -> Product:
    """Create or replace a product; its stock stays as it is, none for a new one."""
    connection.execute(_PUT, body.columns(sku))
    connection.execute(_WITHOUT_STOCK, {"sku": sku, "initial": 0, "available": 0})
    return find_product(connection, sku)


def restock(database: Database, admin: str, sku: str, keyed: Keyed[RestockInput]) -> Answer:
    """Add pieces to a product's stock, once for each key of an admin, and answer the product."""
    with database.transaction() as connection:
        earlier = idempotency.claim(connection, admin, keyed, new_id(), idempotency.RESTOCK)
        if earlier is not None:
            return earlier.replayed()
        movements.restock(connection, sku, keyed.body.quantity)
        answer = Answer.of(200, find_product(connection, sku))
        idempotency.finish(connection, admin, keyed.key, answer, idempotency.RESTOCK)
    return answer


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
