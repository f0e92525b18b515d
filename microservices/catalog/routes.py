"""HTTP routes of the catalog: parse, call, answer. Errors are raised and told as problems by the kit."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from microservices.catalog.products import Products
from microservices.catalog.stock import reserve
from microservices.kit.web import Admin, Answer, called_by, read_body, read_keyed, service_of
from shared.contract.bodies import MoneyBody, OrderLine, ProductInput, RestockInput
from shared.contract.inner import Reservation, ReservationInput
from shared.contract.queries import parse_product_query
from shared.domain.errors import FieldError, InvalidRequest
from shared.domain.ids import is_id, known_sku
from shared.domain.order import order_total

router = APIRouter()


@router.get("/products")
async def list_products(request: Request) -> Response:
    """Return a page of products, by text and category."""
    service: Products = service_of(request)
    query = parse_product_query(request.query_params.multi_items())
    return Answer(200, await service.list_products(query)).response()


@router.get("/categories")
async def list_categories(request: Request) -> Response:
    """Return all categories."""
    service: Products = service_of(request)
    return Answer(200, await service.list_categories()).response()


@router.get("/products/{sku}")
async def get_product(request: Request, sku: str) -> Response:
    """Return one product."""
    service: Products = service_of(request)
    return Answer(200, await service.get_product(known_sku(sku))).response()


@router.put("/products/{sku}")
async def put_product(request: Request, sku: str, _: Admin) -> Response:
    """Create or replace a product."""
    service: Products = service_of(request)
    product = await read_body(request, ProductInput)
    return Answer(200, await service.put_product(known_sku(sku), product)).response()


@router.post("/products/{sku}/restock")
async def restock(request: Request, sku: str, who: Admin) -> Response:
    """Add pieces to a product's stock, once for each key."""
    service: Products = service_of(request)
    keyed = await read_keyed(request, RestockInput, f"POST /products/{sku}/restock")
    return (await service.restock(who.subject, known_sku(sku), keyed)).response()


@router.post("/internal/reservations", dependencies=[called_by("orders")])
async def make_reservation(request: Request) -> Response:
    """Price and reserve for an order; the same order again gets the same lines."""
    service: Products = service_of(request)
    body = await read_body(request, ReservationInput)
    if not is_id(body.order_id):
        raise InvalidRequest("The order's id is not valid.", [FieldError("order_id", "is not an id")])
    quantities = [(line.sku, line.quantity) for line in body.lines]
    expected_total = body.expected_total.to_money() if body.expected_total else None
    lines = await reserve(service.database, body.order_id, quantities, expected_total)
    reservation = Reservation(lines=[OrderLine.of(line) for line in lines], total=MoneyBody.of(order_total(lines)))
    return Answer.of(200, reservation).response()
