"""The steps of the saga, and the calls that they make of other services."""

from __future__ import annotations

from microservices.orders.clients import Catalog, Payments
from microservices.orders.recovery import Recovery
from microservices.orders.service import Orders
from variants.tracing.steps import Steps


def watch() -> None:
    """Put spans around them."""
    orders = Steps("orders")
    orders.call(Orders.place)  # its order has no id before it returns
    orders.call(Orders.confirm, lambda self, order, connection=None: order.id)
    orders.call(Orders.wait_for_payment, lambda self, order, charge: order.id)
    orders.call(Orders.reject, lambda self, order, refusal, *, reason="", connection=None: order.id)
    orders.call(Orders.abandon, lambda self, order: order.id)
    orders.call(Orders.forget, lambda self, order: order.id)
    orders.call(Orders.cancelled, lambda self, order, connection=None: order.id)
    orders.root(Recovery.resume, lambda self, order, age_s: order.id)

    catalog = Steps("orders", title="catalog")
    catalog.call(Catalog.reserve, lambda self, order: order.id)

    payments = Steps("orders", title="payments")
    payments.call(Payments.charge, lambda self, order: order.id)
    payments.call(Payments.void, lambda self, order: order.id)
    payments.call(Payments.refund_remaining, lambda self, order: order.id)
