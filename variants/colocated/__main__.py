"""The four services, unchanged, in one process: `python -m variants.colocated`. No network lies between them.

Not a third build but a way to run this one: it tells what the network costs apart from what the split costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, TypeVar, cast

import httpx
from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Receive, Scope, Send

from microservices.catalog.app import create_app as create_catalog
from microservices.catalog.config import CatalogSettings
from microservices.kit.operator_routes import healthz, readiness
from microservices.kit.runtime import NO_TELEMETRY, ServiceRuntime
from microservices.kit.serving import serve
from microservices.kit.settings import ServiceSettings
from microservices.kit.web import RequestMiddleware, answer_errors
from microservices.notifications.app import create_app as create_notifications
from microservices.notifications.config import NotificationsSettings
from microservices.orders.app import create_app as create_orders
from microservices.orders.config import OrdersSettings
from microservices.payments.app import create_app as create_payments
from microservices.payments.config import PaymentsSettings
from shared.platform.metrics import CONTENT_TYPE, Metrics
from shared.platform.settings import load_or_exit

# The same division as the edge's. /internal is not in it: services reach each other through InProcess only.
PUBLIC_PATHS = {
    "": "catalog",  # the storefront
    "storefront": "catalog",
    "docs": "catalog",
    "products": "catalog",
    "categories": "catalog",
    "orders": "orders",
    "payments": "payments",
    "webhooks": "payments",
    "notifications": "notifications",
}

OWN = ("database_url", "nats_url", "service_private_key", "service_public_keys")

S = TypeVar("S", bound=ServiceSettings)


def _owner(path: str) -> str | None:
    _, first, *rest = path.split("/")
    return PUBLIC_PATHS.get(first) if first or not rest else None


class InProcess(httpx.AsyncBaseTransport):
    """Calls another app in this process. A caller that gives up does not stop the callee, as over a network."""

    def __init__(self, app: FastAPI) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the app's answer; the app works in a task and a context of its own."""
        return await asyncio.shield(asyncio.create_task(self._inner.handle_async_request(request)))


class ColocatedRuntime(ServiceRuntime):
    """A runtime whose calls to other services stay in this process."""

    def __init__(self, name: str, settings: ServiceSettings, apps: Mapping[str, FastAPI]) -> None:
        super().__init__(name, settings)
        self._apps = apps

    def transport(self, peer: str) -> httpx.AsyncBaseTransport:
        """Return what reaches the app of this name."""
        return InProcess(self._apps[peer])


class Colocated:
    """Gives each request to the app whose path it is, and everything else to an app for the operator."""

    def __init__(self, apps: Mapping[str, FastAPI]) -> None:
        self._apps = apps
        self._operator = _operator_app(apps)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of all apps together."""
        app: ASGIApp = self._operator
        if scope["type"] == "http" and (name := _owner(scope["path"])):
            app = self._apps[name]
        await app(scope, receive, send)


def create_app(
    catalog: CatalogSettings, orders: OrdersSettings, payments: PaymentsSettings, notifications: NotificationsSettings
) -> Colocated:
    """Return the four apps as one. Nothing connects before it starts."""
    catalog_app, payments_app = create_catalog(catalog), create_payments(payments)
    notifications_app = create_notifications(notifications)
    inner = {"catalog": catalog_app, "payments": payments_app}
    orders_app = create_orders(orders, ColocatedRuntime("orders", orders, inner))
    return Colocated(inner | {"orders": orders_app, "notifications": notifications_app})


def _operator_app(apps: Mapping[str, FastAPI]) -> FastAPI:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as running:
            for app in apps.values():  # one after the other: Alembic keeps its state in the process
                await running.enter_async_context(app.router.lifespan_context(app))
            yield

    async def readyz() -> Response:
        return await readiness(*(app.state.runtime for app in apps.values()))

    async def metrics() -> Response:
        registry = CollectorRegistry()
        registry.register(_AllMetrics({name: app.state.runtime.metrics for name, app in apps.items()}))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    operator = FastAPI(lifespan=lifespan, redirect_slashes=False, openapi_url=None, telemetry=NO_TELEMETRY)
    operator.add_api_route("/healthz", healthz)
    operator.add_api_route("/readyz", readyz)
    operator.add_api_route("/metrics", metrics)
    answer_errors(operator, (operator.router,))
    operator.add_middleware(RequestMiddleware, metrics=Metrics())
    return operator


class _AllMetrics(Collector):
    """The metrics of all services, told apart by the label `service`."""

    def __init__(self, by_service: Mapping[str, Metrics]) -> None:
        self._by_service = by_service

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the names need not be checked for duplicates."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return each family once, with the samples of all services."""
        families: dict[str, Metric] = {}
        for service, metrics in self._by_service.items():
            for family in metrics.registry.collect():
                merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    merged.samples.append(sample._replace(labels={**sample.labels, "service": service}))
        return families.values()


def load(settings_class: type[S], service: str) -> S:
    """Return a service's settings: what the services share under its usual name, the rest with a prefix."""
    own: dict[str, Any] = {name: os.environ.get(f"{service}_{name}".upper(), "") for name in OWN}
    return load_or_exit(cast("type[S]", lambda: settings_class(**own)))


def main() -> None:
    """Run all services in this process until SIGTERM."""
    orders = load(OrdersSettings, "orders")
    app = create_app(
        load(CatalogSettings, "catalog"),
        orders,
        load(PaymentsSettings, "payments"),
        load(NotificationsSettings, "notifications"),
    )
    serve(app, orders, "colocated")


if __name__ == "__main__":
    main()
