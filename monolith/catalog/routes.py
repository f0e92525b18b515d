"""HTTP of the catalog: browsing for anyone, prices and stock for admins."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from monolith.catalog import products
from monolith.database import Database
from monolith.web import principal, read_body, read_keyed, send
from shared.contract.answers import Answer
from shared.contract.bodies import ProductInput, RestockInput
from shared.contract.queries import parse_product_query
from shared.domain.ids import known_sku

blueprint = Blueprint("catalog", __name__)


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database


@blueprint.get("/products")
def list_products() -> Response:
    """One page, for anyone."""
    query = parse_product_query(request.args.items(multi=True))
    return send(Answer.of(200, products.list_products(_database(), query)))


@blueprint.get("/products/<sku>")
def get_product(sku: str) -> Response:
    """One product, for anyone."""
    return send(Answer.of(200, products.get_product(_database(), known_sku(sku))))


@blueprint.get("/categories")
def list_categories() -> Response:
    """All categories, for anyone."""
    return send(Answer.of(200, products.list_categories(_database())))


@blueprint.put("/products/<sku>")
def put_product(sku: str) -> Response:
    """Create or replace a product; for admins."""
    principal("admin")
    body = read_body(ProductInput)
    with _database().transaction() as connection:
        product = products.put_product(connection, known_sku(sku), body)
    return send(Answer.of(200, product))


@blueprint.post("/products/<sku>/restock")
def restock(sku: str) -> Response:
    """Add stock, once for each Idempotency-Key; for admins."""
    admin = principal("admin")
    keyed = read_keyed(RestockInput)
    return send(products.restock(_database(), admin.subject, known_sku(sku), keyed))
