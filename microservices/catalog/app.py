"""The catalog service: products and stock. Run by `python -m microservices.catalog.app`."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from microservices.catalog import routes
from microservices.catalog.config import CatalogSettings
from microservices.catalog.products import Products
from microservices.catalog.seeding import seed_if_empty
from microservices.catalog.stock import EVENT_TYPES, on_order_events
from microservices.catalog.storefront import router_of
from microservices.catalog.tables import PRUNE_TOMBSTONES
from microservices.kit.idempotency import PRUNE_KEYS
from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import run
from shared.contract.events import OrderEvent
from shared.storefront import Storefront


def create_app(settings: CatalogSettings, runtime: ServiceRuntime | None = None) -> FastAPI:
    """Return the app; it connects when it starts."""
    runtime = runtime or ServiceRuntime("catalog", settings)
    runtime.on_start(partial(seed_if_empty, runtime.database, settings.seed_products))
    runtime.consumes("catalog", EVENT_TYPES, OrderEvent, on_order_events)
    runtime.prunes(PRUNE_KEYS)
    runtime.prunes(PRUNE_TOMBSTONES)
    pages = Storefront(build=settings.storefront_badge, identity_url=settings.token_issuer)
    return runtime.app([routes.router, router_of(pages)], Products(runtime.database))


main = partial(run, "catalog", CatalogSettings, create_app)

if __name__ == "__main__":
    main()
