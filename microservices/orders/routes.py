"""The routes of the orders service: parse, call, answer."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from microservices.kit.web import Buyer, Customer, read_keyed, service_of
from microservices.orders.cancel_order import cancel_order
from microservices.orders.place_order import place_order
from microservices.orders.service import Orders
from shared.contract.bodies import OrderInput
from shared.contract.queries import parse_page_query
from shared.platform.injected_faults import inject

router = APIRouter()


def _orders(request: Request) -> Orders:
    service: Orders = service_of(request)
    return service


@router.post("/orders")
async def post_order(request: Request, who: Buyer) -> Response:
    """Place an order, once for each Idempotency-Key; for customers."""
    keyed = await read_keyed(request, OrderInput, "POST /orders")
    inject("orders", keyed.key)
    return (await place_order(_orders(request), who, keyed)).response()


@router.get("/orders")
async def get_orders(request: Request, who: Customer) -> Response:
    """List one's own orders, newest first."""
    page = parse_page_query(request.query_params.multi_items())
    return (await _orders(request).answers.orders_of(who, page)).response()


@router.get("/orders/{order_id}")
async def get_order(request: Request, order_id: str, who: Customer) -> Response:
    """Return an order to its owner or an admin."""
    return (await _orders(request).answers.order(order_id, who)).response()


@router.post("/orders/{order_id}/cancel")
async def post_cancel(request: Request, order_id: str, who: Customer) -> Response:
    """Cancel a confirmed order within its window."""
    return (await cancel_order(_orders(request), who, order_id)).response()
