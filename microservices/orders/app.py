"""The orders service: `python -m microservices.orders.app`."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import run
from microservices.orders import routes
from microservices.orders.clients import Catalog, Payments
from microservices.orders.config import OrdersSettings
from microservices.orders.recovery import Recovery
from microservices.orders.service import Orders
from microservices.orders.settle import on_payment_events
from microservices.orders.tables import PRUNE_KEYS
from shared.contract.events import PaymentEvent

PAYMENT_EVENTS = ("payment.captured", "payment.declined", "payment.voided", "payment.refunded")


def create_app(settings: OrdersSettings, runtime: ServiceRuntime | None = None) -> FastAPI:
    """Return the app. It connects to nothing before it starts."""
    runtime = runtime or ServiceRuntime("orders", settings)
    catalog, payments = clients(runtime, settings)
    return assemble(runtime, Orders(runtime.database, runtime.outbox, catalog, payments, settings))


def clients(runtime: ServiceRuntime, settings: OrdersSettings) -> tuple[Catalog, Payments]:
    """Return the services that an order needs."""
    catalog = Catalog(runtime.service_peer("catalog", settings.catalog_url))
    return catalog, Payments(runtime.service_peer("payments", settings.payments_url))


def assemble(runtime: ServiceRuntime, orders: Orders) -> FastAPI:
    """Return the app around the service: its loops, what it hears, its routes."""
    runtime.publishes()
    runtime.repeats("settle orders", Recovery(orders, runtime.metrics).resume_due, orders.settings.sweep_interval_s)
    runtime.consumes("orders", PAYMENT_EVENTS, PaymentEvent, partial(on_payment_events, orders))
    runtime.prunes(PRUNE_KEYS)
    return runtime.app([routes.router], orders)


main = partial(run, "orders", OrdersSettings, create_app)

if __name__ == "__main__":
    main()
