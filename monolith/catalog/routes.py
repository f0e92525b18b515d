"""HTTP of the catalog: browsing for anyone, prices and stock for admins."""

from __future__ import annotations

import re

from flask import Blueprint, Response, current_app, request

from monolith import idempotency
from monolith.catalog import products, stock
from monolith.database import Database
from monolith.web import answer_with, principal, read_body, send
from shared.contract.bodies import ProductInput, RestockInput
from shared.contract.queries import parse_product_query
from shared.domain.errors import NotFound
from shared.domain.ids import new_id

blueprint = Blueprint("catalog", __name__)
_SKU = re.compile(r"[A-Z0-9][A-Z0-9-]{0,63}")


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database


@blueprint.get("/products")
def list_products() -> Response:
    """One page, for anyone."""
    query = parse_product_query(request.args.items(multi=True))
    return send(answer_with(products.list_products(_database(), query)))


@blueprint.get("/products/<sku>")
def get_product(sku: str) -> Response:
    """One product, for anyone."""
    return send(answer_with(products.get_product(_database(), _known_form(sku))))


@blueprint.get("/categories")
def list_categories() -> Response:
    """All categories, for anyone."""
    return send(answer_with(products.list_categories(_database())))


@blueprint.put("/products/<sku>")
def put_product(sku: str) -> Response:
    """Create or replace a product; for admins."""
    principal("admin")
    body, _, _ = read_body(ProductInput)
    with _database().transaction() as connection:
        product = products.put_product(connection, _known_form(sku), body)
    return send(answer_with(product))


@blueprint.post("/products/<sku>/restock")
def restock(sku: str) -> Response:
    """Add stock, once for each Idempotency-Key; for admins."""
    admin = principal("admin")
    body, key, fingerprint = read_body(RestockInput, keyed=True)
    sku = _known_form(sku)
    with _database().transaction() as connection:
        earlier = idempotency.claim(connection, admin.subject, key, fingerprint, new_id(), idempotency.RESTOCK)
        if earlier is not None:
            return send(earlier.replayed())
        stock.restock(connection, sku, body.quantity)
        answer = answer_with(products.find_product(connection, sku))
        idempotency.finish(connection, admin.subject, key, answer, idempotency.RESTOCK)
    return send(answer)


def _known_form(sku: str) -> str:
    """Return the sku. Raises NotFound for what cannot be one."""
    if not _SKU.fullmatch(sku):
        raise NotFound("There is no such product.")
    return sku
