"""Reading products, and what an admin does to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from monolith.catalog.tables import products, stock
from monolith.database import Database
from shared.contract.bodies import Category, CategoryList, MoneyBody, Product, ProductInput, ProductPage
from shared.contract.queries import ProductQuery, encode_cursor
from shared.domain.errors import NotFound

_PRODUCTS = (
    select(
        products.c.sku,
        products.c.name,
        products.c.description,
        products.c.category,
        products.c.price,
        products.c.currency,
        stock.c.available,
    )
    .select_from(products.join(stock, products.c.sku == stock.c.sku))
    .where(products.c.sku > bindparam("after"))
    .order_by(products.c.sku)
    .limit(bindparam("rows"))
)
_IN_CATEGORY = products.c.category == bindparam("category")
_MATCHING = products.c.search.op("@@")(func.websearch_to_tsquery(text("'simple'"), bindparam("query")))
# All four forms of the list, by (has a query, has a category): made once, and prepared once by the database.
_LISTS = {
    (False, False): _PRODUCTS,
    (False, True): _PRODUCTS.where(_IN_CATEGORY),
    (True, False): _PRODUCTS.where(_MATCHING),
    (True, True): _PRODUCTS.where(_MATCHING, _IN_CATEGORY),
}
_ONE = _PRODUCTS.with_only_columns(*_PRODUCTS.selected_columns).where(products.c.sku == bindparam("sku"))
_CATEGORIES = select(products.c.category, func.count()).group_by(products.c.category).order_by(products.c.category)
_PUT = insert(products)
_PUT = _PUT.on_conflict_do_update(
    index_elements=["sku"],
    set_={name: _PUT.excluded[name] for name in ("name", "description", "category", "price", "currency")},
)
_WITHOUT_STOCK = insert(stock).on_conflict_do_nothing()
_RESTOCK = (
    update(stock)
    .where(stock.c.sku == bindparam("of_sku"))
    .values(available=stock.c.available + bindparam("more"), restocked=stock.c.restocked + bindparam("more"))
)


def list_products(database: Database, query: ProductQuery) -> ProductPage:
    """Return a page of products in the order of their skus."""
    rows = database.fetch_all(
        _LISTS[query.query is not None, query.category is not None],
        {"after": query.after or "", "rows": query.limit + 1, "query": query.query, "category": query.category},
    )
    return _page(rows, query.limit)


def get_product(database: Database, sku: str) -> Product:
    """Return one product. Raises NotFound."""
    row = database.fetch_one(_ONE, {"sku": sku, "after": "", "rows": 1})
    if row is None:
        raise NotFound("There is no such product.")
    return _product(row)


def list_categories(database: Database) -> CategoryList:
    """Return all categories with their number of products."""
    rows = database.fetch_all(_CATEGORIES)
    return CategoryList(items=[Category(name=name, product_count=count) for name, count in rows])


def put_product(connection: Connection, sku: str, wanted: ProductInput) -> Product:
    """Create or replace a product; its stock stays as it is, none for a new one."""
    connection.execute(
        _PUT,
        {
            "sku": sku,
            "name": wanted.name,
            "description": wanted.description,
            "category": wanted.category,
            "price": wanted.price.amount,
            "currency": wanted.price.currency,
        },
    )
    connection.execute(_WITHOUT_STOCK, {"sku": sku, "initial": 0, "available": 0})
    return _read(connection, sku)


def restock(connection: Connection, sku: str, quantity: int) -> Product:
    """Add to what is available. Raises NotFound."""
    connection.execute(_RESTOCK, {"of_sku": sku, "more": quantity})
    return _read(connection, sku)


def _read(connection: Connection, sku: str) -> Product:
    row = connection.execute(_ONE, {"sku": sku, "after": "", "rows": 1}).first()
    if row is None:
        raise NotFound("There is no such product.")
    return _product(row)


def _page(rows: Sequence[Row[Any]], limit: int) -> ProductPage:
    items = [_product(row) for row in rows[:limit]]
    return ProductPage(items=items, next_cursor=encode_cursor(items[-1].sku) if len(rows) > limit else None)


def _product(row: Row[Any]) -> Product:
    sku, name, description, category, price, currency, available = row
    return Product(
        sku=sku,
        name=name,
        description=description,
        category=category,
        price=MoneyBody(amount=price, currency=currency),
        available=available,
    )
