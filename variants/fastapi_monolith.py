"""The monolith's own modules behind FastAPI and uvicorn: what of the difference between the builds is the framework?

`python -m variants.fastapi_monolith` serves the same modules, transactions and threads on the same database. Routes
read the request on the event loop and hand the work to one of `WEB_THREADS` threads, as Flask's server does. It needs
the packages of both builds, so it runs as a process and not in a container.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import anyio
from fastapi import APIRouter, FastAPI, Request, Response

from microservices.catalog.storefront import router_of
from microservices.kit.runtime import NO_TELEMETRY
from microservices.kit.serving import serve
from microservices.kit.web import (
    Admin,
    Buyer,
    Customer,
    RequestMiddleware,
    answer_errors,
    header,
    read_body,
    read_keyed,
    read_raw,
)
from monolith.app import prepare
from monolith.catalog import products
from monolith.config import Settings
from monolith.modules import Modules, build_modules, connect
from monolith.orders import replay
from monolith.orders.cancel_order import cancel_order
from monolith.orders.place_order import place_order
from monolith.payments.refund_for_admin import refund_for_admin
from monolith.server import start_up
from shared.contract.answers import Answer
from shared.contract.bodies import OrderInput, ProductInput, RefundInput, RestockInput, WebhookAnswer
from shared.contract.queries import parse_page_query, parse_product_query
from shared.domain.ids import known_id, known_sku
from shared.platform.injected_faults import inject
from shared.platform.metrics import CONTENT_TYPE
from shared.platform.settings import load_or_exit
from shared.platform.tokens import TokenVerifier
from shared.storefront import Storefront

T = TypeVar("T")


def create_app(settings: Settings, modules: Modules | None = None) -> FastAPI:
    """Return the application of these modules, by default of the usual ones. They start with the application."""
    modules = modules or build_modules(settings, connect(settings))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        modules.start()
        try:
            yield
        finally:
            modules.close()

    app = FastAPI(
        title="monolith", lifespan=lifespan, redirect_slashes=False, openapi_url=None, telemetry=NO_TELEMETRY
    )  # fmt: skip
    app.state.token_verifier = TokenVerifier(settings.jwks_url, settings.token_issuer, settings.token_audience)
    modules.connections.metrics.watch_threads(settings.web_threads)
    routers = routers_of(settings, modules)
    for router in routers:
        app.include_router(router)
    answer_errors(app, routers)
    app.add_middleware(RequestMiddleware, metrics=modules.connections.metrics)
    return app


def routers_of(settings: Settings, modules: Modules) -> tuple[APIRouter, APIRouter]:
    """Return the routes of all modules with the operator's, and those of the pages."""
    router, database, shop = APIRouter(), modules.connections.database, modules.shop
    in_thread = _threads(settings.web_threads)

    async def ok(work: Callable[[], Any]) -> Response:
        """Return 200 with what the work returns."""
        return _response(await in_thread(lambda: Answer.of(200, work())))

    @router.get("/products")
    async def list_products(request: Request) -> Response:
        query = parse_product_query(request.query_params.multi_items())
        return await ok(lambda: products.list_products(database, query))

    @router.get("/products/{sku}")
    async def get_product(sku: str) -> Response:
        return await ok(lambda: products.get_product(database, known_sku(sku)))

    @router.get("/categories")
    async def list_categories() -> Response:
        return await ok(lambda: products.list_categories(database))

    @router.put("/products/{sku}")
    async def put_product(request: Request, sku: str, _: Admin) -> Response:
        body = await read_body(request, ProductInput)

        def put() -> Any:
            with database.transaction() as connection:
                return products.put_product(connection, known_sku(sku), body)

        return await ok(put)

    @router.post("/products/{sku}/restock")
    async def restock(request: Request, sku: str, who: Admin) -> Response:
        keyed = await read_keyed(request, RestockInput, f"POST {request.url.path}")
        return _response(await in_thread(lambda: products.restock(database, who.subject, known_sku(sku), keyed)))

    @router.post("/orders")
    async def post_order(request: Request, who: Buyer) -> Response:
        keyed = await read_keyed(request, OrderInput, "POST /orders")

        def place() -> Answer:
            inject("orders", keyed.key)
            return place_order(shop, who, keyed)

        return _response(await in_thread(place))

    @router.get("/orders")
    async def list_orders(request: Request, who: Customer) -> Response:
        page = parse_page_query(request.query_params.multi_items())
        return await ok(lambda: replay.list_orders(database, who.subject, page))

    @router.get("/orders/{order_id}")
    async def get_order(order_id: str, who: Customer) -> Response:
        owner = None if who.is_admin else who.subject
        return await ok(lambda: replay.read_order(database, known_id(order_id, "order"), owner).body())

    @router.post("/orders/{order_id}/cancel")
    async def post_cancel(order_id: str, who: Customer) -> Response:
        return _response(await in_thread(lambda: cancel_order(shop, who.subject, known_id(order_id, "order"))))

    @router.get("/payments/{payment_id}")
    async def get_payment(payment_id: str, who: Customer) -> Response:
        owner = None if who.is_admin else who.subject
        return await ok(lambda: modules.payments.get(known_id(payment_id, "payment"), owner))

    @router.post("/payments/{payment_id}/refunds")
    async def refund(request: Request, payment_id: str, who: Admin) -> Response:
        keyed = await read_keyed(request, RefundInput, f"POST {request.url.path}")

        def give_back() -> Answer:
            return refund_for_admin(database, modules.refunds, who.subject, known_id(payment_id, "payment"), keyed)

        return _response(await in_thread(give_back))

    @router.post("/webhooks/payments")
    async def receive_webhook(request: Request) -> Response:
        body, signature = await read_raw(request), header(request, "Webhook-Signature") or ""

        def receive() -> WebhookAnswer:
            modules.webhooks.receive(body, signature)
            return WebhookAnswer()

        return await ok(receive)

    @router.get("/notifications")
    async def list_notifications(request: Request, who: Customer) -> Response:
        page = parse_page_query(request.query_params.multi_items())
        return await ok(lambda: modules.notifications.list_own(who.subject, page))

    @router.get("/healthz")
    async def healthz() -> Response:
        return Response(b'{"status":"alive"}', media_type="application/json")

    @router.get("/readyz")
    async def readyz() -> Response:
        ready = await in_thread(database.is_ready)
        status = b'{"status":"ready"}' if ready else b'{"status":"not ready"}'
        return Response(status, 200 if ready else 503, media_type="application/json")

    @router.get("/metrics")
    async def show_metrics() -> Response:
        return Response(modules.connections.metrics.render(), media_type=CONTENT_TYPE)

    return router, router_of(Storefront(build="monolith", identity_url=settings.token_issuer))


def _threads(number: int) -> Callable[[Callable[[], T]], Awaitable[T]]:
    """Return what runs work in one of so many threads, in the context of the request; the rest waits its turn."""
    limiter: anyio.CapacityLimiter | None = None

    async def in_thread(work: Callable[[], T]) -> T:
        nonlocal limiter
        limiter = limiter or anyio.CapacityLimiter(number)  # belongs to the event loop that runs now
        return await anyio.to_thread.run_sync(work, limiter=limiter)

    return in_thread


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers, answer.media_type)


if __name__ == "__main__":
    own_settings = load_or_exit(Settings)
    start_up(own_settings, prepare)
    serve(create_app(own_settings), own_settings, "monolith")
