"""`python -m variants.recommendations.catalog`: the catalog, whose pages show the strip. It asks nobody for it."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from microservices.catalog import app as plain
from microservices.catalog.config import CatalogSettings
from microservices.catalog.storefront import router_of
from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import run
from variants.recommendations.pages import StorefrontWithStrip


def create_app(settings: CatalogSettings, runtime: ServiceRuntime | None = None) -> FastAPI:
    """Return the plain app with other pages in front of its own."""
    app = plain.create_app(settings, runtime)
    pages = StorefrontWithStrip(build=settings.storefront_badge, identity_url=settings.token_issuer)
    app.router.routes[:0] = router_of(pages).routes  # the first that fits answers
    return app


main = partial(run, "catalog", CatalogSettings, create_app)

if __name__ == "__main__":
    main()
