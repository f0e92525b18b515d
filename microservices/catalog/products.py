"""Products: lists, single products, categories, and what an admin does to them. Answers are ready JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, Text, bindparam, literal_column, select, text
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
from shared.platform.product_search import in_order, page_of_skus

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_DETAILS = ("name", "description", "category", "price", "currency")  # what an admin says about a product
_COLUMNS = [products.c[name] for name in ("sku", *_DETAILS, "available")]

PRODUCT = select(*_COLUMNS).where(products.c.sku == bindparam("sku"))
CATEGORIES = text("SELECT name, product_count FROM categories WHERE product_count > 0 ORDER BY name")
_new = insert(products).values({name: bindparam(name) for name in ("sku", *_DETAILS)})
PUT_PRODUCT = _new.on_conflict_do_update(
    index_elements=["sku"], set_={name: _new.excluded[name] for name in _DETAILS}
).returning(*_COLUMNS)


@cache
def _list(names: frozenset[str], row_count: int) -> Select[Any]:
    """Return the list for these parameters. Its limit is in the text, which keeps its plan."""
    by_category = "category" in names
    if "query" in names:
        page = text(page_of_skus(row_count, by_category=by_category)).columns(sku=Text).subquery("page")
        return select(*_COLUMNS).join(page, page.c.sku == products.c.sku).order_by(products.c.sku)
    within, order = in_order(by_category=by_category)
    return select(*_COLUMNS).where(text(within)).order_by(text(order)).limit(literal_column(str(row_count)))


class Products:
    """What the catalog's public routes do."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def list_products(self, query: ProductQuery) -> bytes:
        """Return a ProductPage: products after `query.after` in the order of their sku."""
        inject("catalog", query.query or "")
        parameters = {"query": query.query, "category": query.category, "after": query.after or ""}
        bound_parameters = {name: value for name, value in parameters.items() if value is not None}
        rows = await self.database.read(_list(frozenset(bound_parameters), query.limit + 1), bound_parameters)
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
