"""Placing and cancelling orders: by the plain functions while the catalog is in, by the saga while it is extracted."""

from __future__ import annotations

from flask import Flask, Response

from migration.inside_monolith.saga.cancel_order import cancel_order
from migration.inside_monolith.saga.place_order import place_order
from migration.inside_monolith.saga.steps import SagaSteps
from monolith.orders import Shop
from monolith.orders import routes as plain
from monolith.web import principal, read_keyed, send
from shared.contract.bodies import OrderInput
from shared.domain.ids import known_id
from shared.platform.injected_faults import inject


def install(app: Flask, shop: Shop, steps: SagaSteps) -> None:
    """Stand before the two views of orders that change anything."""

    def post_order() -> Response:
        if not steps.gate.is_extracted("catalog"):
            return plain.post_order()
        customer = principal("customer")
        keyed = read_keyed(OrderInput)
        inject("orders", keyed.key)
        return send(place_order(shop, steps, customer, keyed))

    def post_cancel(order_id: str) -> Response:
        if not steps.gate.is_extracted("catalog"):
            return plain.post_cancel(order_id)
        customer = principal()
        return send(cancel_order(shop, steps, customer.subject, known_id(order_id, "order")))

    app.view_functions |= {"orders.post_order": post_order, "orders.post_cancel": post_cancel}
