"""The orders service: `python -m microservices.orders.app`."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from fastapi import FastAPI

from microservices.kit.part import Part, serve
from microservices.orders import routes
from microservices.orders.clients import Catalog, Payments
from microservices.orders.config import OrdersSettings
from microservices.orders.service import Orders
from microservices.orders.settle import Settler
from microservices.orders.tables import PRUNE_KEYS
from microservices.orders.telling import Teller
from shared.contract.events import PaymentEvent
from shared.platform.settings import load_or_exit

PAYMENT_EVENTS = ("payment.captured", "payment.declined", "payment.voided", "payment.refunded")


def create_app(settings: OrdersSettings, transports: Mapping[str, httpx.AsyncBaseTransport] | None = None) -> FastAPI:
    """Return the app. It connects to nothing before it starts. `transports`, by service, replace the network."""
    transports = transports or {}
    part = Part("orders", settings)
    catalog = Catalog(part.service_peer("catalog", settings.catalog_url, transports.get("catalog")))
    payments = Payments(part.service_peer("payments", settings.payments_url, transports.get("payments")))
    orders = Orders(part.database, part.outbox, catalog, payments, settings, _teller(part, settings, transports))
    settler = Settler(orders, part.metrics)

    part.publishes()
    part.repeats("settle orders", settler.resume_due, settings.sweep_interval_s)
    part.consumes("orders", PAYMENT_EVENTS, PaymentEvent, settler.on_payment_events)
    part.prunes(PRUNE_KEYS)
    return part.app([routes.router], orders)


def _teller(part: Part, settings: OrdersSettings, transports: Mapping[str, httpx.AsyncBaseTransport]) -> Teller | None:
    """Return what tells of orders by calls, where that is wanted."""
    if settings.notify == "event":
        return None
    catalog = part.service_peer("catalog", settings.catalog_url, transports.get("catalog"))
    notifications = part.service_peer("notifications", settings.notifications_url, transports.get("notifications"))
    return Teller(part.outbox, catalog, notifications, settings.recovery_after_s)


if __name__ == "__main__":
    serve(create_app, load_or_exit(OrdersSettings), "orders")
