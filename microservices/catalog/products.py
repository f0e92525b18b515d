"""Products: lists, single products, categories, and what an admin does to them. Answers are ready JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Integer, Row, Select, Text, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert

from microservices.catalog.stock import restock
from microservices.catalog.tables import products
from microservices.kit import idempotency
from microservices.kit.database import Database
from microservices.kit.web import Answer
from shared.contract.bodies import ProductInput, RestockInput, product_fields
from shared.contract.parsing import Keyed
from shared.contract.queries import ProductQuery, encode_cursor
from shared.domain.errors import NotFound
from shared.platform.injected_faults import inject

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_DETAILS = ("name", "description", "category", "price", "currency")  # what an admin says about a product
_COLUMNS = [products.c[name] for name in ("sku", *_DETAILS, "available")]

PRODUCT = select(*_COLUMNS).where(products.c.sku == bindparam("sku"))

CATEGORIES = (
    select(products.c.category.label("name"), func.count().label("product_count"))
    .group_by(products.c.category)
    .order_by(products.c.category)
)


# A search looks through so many products before it asks the index of words: common words are found at once, while the
# index would name all of their products first. It costs about as much as naming a thousand.
NEXT_PRODUCTS = 500
_ROW_COUNT = bindparam("row_count", type_=Integer)


def _after(*columns: Column[Any], by_category: bool) -> Select[Any]:
    rows = select(*columns).where(products.c.sku > bindparam("after"))
    return rows.where(products.c.category == bindparam("category")) if by_category else rows


def _has_words(search: ColumnElement[Any]) -> ColumnElement[bool]:
    return search.bool_op("@@")(func.websearch_to_tsquery(text("'simple'"), bindparam("query", type_=Text)))


def _page_of(*, by_text: bool, by_category: bool) -> Select[Any]:
    if not by_text:
        page = _after(*_COLUMNS, by_category=by_category)
        return page.order_by(products.c.sku).limit(_ROW_COUNT)
    near = (
        _after(*_COLUMNS, products.c.search, by_category=by_category)
        .order_by(products.c.sku)
        .limit(literal_column(str(NEXT_PRODUCTS)))
    )
    rows = near.subquery("next_products")
    page = select(*(rows.c[column.name] for column in _COLUMNS)).where(_has_words(rows.c.search))
    return page.order_by(rows.c.sku).limit(_ROW_COUNT)


def _page_by_index(*, by_category: bool) -> Select[Any]:
    # Materialized, so that nobody walks all products in the order of their sku in the hope of a match.
    hits = _after(products.c.sku, by_category=by_category).where(_has_words(products.c.search))
    found = hits.cte("hits").prefix_with("MATERIALIZED")
    page = select(found.c.sku).order_by(found.c.sku).limit(_ROW_COUNT).subquery("page")
    return select(*_COLUMNS).join(page, page.c.sku == products.c.sku).order_by(products.c.sku)


# (by text, by category) -> a keyset page; of a search, what the next products hold of it.
PAGES = {(q, c): _page_of(by_text=q, by_category=c) for q in (False, True) for c in (False, True)}
# by category -> a keyset page of a search.
PAGES_BY_INDEX = {c: _page_by_index(by_category=c) for c in (False, True)}

_new = insert(products).values({name: bindparam(name) for name in ("sku", *_DETAILS)})
PUT_PRODUCT = _new.on_conflict_do_update(
    index_elements=["sku"], set_={name: _new.excluded[name] for name in _DETAILS}
).returning(*_COLUMNS)


class Products:
    """What the catalog's public routes do."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def list_products(self, query: ProductQuery) -> bytes:
        """Return a ProductPage: products after `query.after` in the order of their sku."""
        inject("catalog", query.query or "")
        parameters: dict[str, Any] = {"after": query.after or "", "row_count": query.limit + 1}  # is there more?
        if query.query is not None:
            parameters["query"] = query.query
        if query.category is not None:
            parameters["category"] = query.category
        by_text, by_category = query.query is not None, query.category is not None
        rows = await self.database.read(PAGES[by_text, by_category], parameters)
        if by_text and len(rows) <= query.limit:
            rows = await self.database.read(PAGES_BY_INDEX[by_category], parameters)
        # What a list costs is mostly what turning rows into JSON costs, so rows go straight to text. A test holds the
        # result against the contract's models.
        items = [product_fields(row) for row in rows[: query.limit]]
        more = len(rows) > query.limit
        return _json({"items": items, "next_cursor": encode_cursor(items[-1]["sku"]) if more else None})

    async def get_product(self, sku: str) -> bytes:
        """Return a Product. Raises NotFound."""
        return _only(await self.database.read(PRODUCT, {"sku": sku}), sku)

    async def list_categories(self) -> bytes:
        """Return a CategoryList, by name."""
        rows = await self.database.read(CATEGORIES)
        return _json({"items": [row._asdict() for row in rows]})

    async def put_product(self, sku: str, product: ProductInput) -> bytes:
        """Create the product without stock, or replace what is said about it; return the Product."""
        return _only(await self.database.write(PUT_PRODUCT, product.columns(sku)), sku)

    async def restock(self, subject: str, sku: str, keyed: Keyed[RestockInput]) -> Answer:
        """Add pieces, once for this subject and key; answer with the Product. Raises NotFound: the key stays free."""
        async with self.database.transaction() as connection:
            replay = await idempotency.begin(connection, subject, keyed)
            if replay is not None:
                return replay
            rows = await restock(connection, sku, keyed.body.quantity)
            answer = Answer(200, _only(rows, sku))
            await idempotency.finish(connection, subject, keyed.key, answer)
        return answer


def _only(rows: Sequence[Row[Any]], sku: str) -> bytes:
    if not rows:
        raise NotFound("There is no such product.")
    return _json(product_fields(rows[0]))


def _json(body: dict[str, Any]) -> bytes:
    return _encode(body).encode()
