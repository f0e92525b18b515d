"""HTTP of orders."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from monolith.orders import replay
from monolith.orders.cancel_order import cancel_order
from monolith.orders.place_order import place_order
from monolith.orders.shop import Shop
from monolith.web import principal, read_keyed, send
from shared.contract.answers import Answer
from shared.contract.bodies import OrderInput
from shared.contract.queries import parse_page_query
from shared.domain.ids import known_id
from shared.platform.injected_faults import inject

blueprint = Blueprint("orders", __name__)


def _shop() -> Shop:
    shop: Shop = current_app.extensions["shop"]
    return shop


@blueprint.post("/orders")
def post_order() -> Response:
    """Place an order, once for each Idempotency-Key; for customers."""
    customer = principal("customer")
    keyed = read_keyed(OrderInput)
    inject("orders", keyed.key)
    return send(place_order(_shop(), customer, keyed))


@blueprint.get("/orders")
def list_orders() -> Response:
    """One's own orders, newest first."""
    who = principal()
    page = parse_page_query(request.args.items(multi=True))
    return send(Answer.of(200, replay.list_orders(_shop().database, who.subject, page)))


@blueprint.get("/orders/<order_id>")
def get_order(order_id: str) -> Response:
    """One order, for its owner or an admin."""
    who = principal()
    order = replay.read_order(_shop().database, known_id(order_id, "order"), None if who.is_admin else who.subject)
    return send(Answer.of(200, order.body()))


@blueprint.post("/orders/<order_id>/cancel")
def post_cancel(order_id: str) -> Response:
    """Cancel one's own order and get the money back."""
    who = principal()
    return send(cancel_order(_shop(), who.subject, known_id(order_id, "order")))
