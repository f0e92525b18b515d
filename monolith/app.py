"""The application: a Flask app of the four modules. `python -m monolith.app` serves it."""

from __future__ import annotations

from flask import Flask, Response

from monolith import catalog, notifications, orders, payments, storefront, web
from monolith.config import Settings
from monolith.database import Database
from monolith.migrations import migrate
from monolith.modules import Connections, Modules, build_modules, connect
from monolith.server import serve
from shared.contract.answers import JSON
from shared.platform.metrics import CONTENT_TYPE, Metrics
from shared.platform.tokens import TokenVerifier
from shared.storefront import Storefront


def create_app(settings: Settings, modules: Modules | None = None) -> Flask:
    """Return the application of these modules, by default of the usual ones. Starts nothing: `modules.start()` does."""
    modules = modules or build_modules(settings, connect(settings))
    connections = modules.connections
    app = Flask(__name__, static_folder=None)
    app.extensions.update(
        modules=modules,
        database=connections.database,
        notifications=modules.notifications,
        payments=modules.payments,
        refunds=modules.refunds,
        webhooks=modules.webhooks,
        shop=modules.shop,
        tokens=TokenVerifier(settings.jwks_url, settings.token_issuer, settings.token_audience),
    )
    web.install(app, connections.metrics)
    for module in (catalog, orders, payments, notifications):
        app.register_blueprint(module.blueprint)
    pages = Storefront(build="monolith", identity_url=settings.token_issuer)
    app.register_blueprint(storefront.blueprint(pages))
    _add_operator_routes(app, connections, settings.web_threads)
    return app


def _add_operator_routes(app: Flask, connections: Connections, web_threads: int) -> None:
    connections.metrics.watch_threads(web_threads)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response('{"status":"alive"}', content_type=JSON)

    @app.get("/readyz")
    def readyz() -> Response:
        ready = connections.database.is_ready()
        status = '{"status":"ready"}' if ready else '{"status":"not ready"}'
        return Response(status, 200 if ready else 503, content_type=JSON)

    @app.get("/metrics")
    def show_metrics() -> Response:
        return Response(connections.metrics.render(), content_type=CONTENT_TYPE)


def prepare(settings: Settings) -> None:
    """Bring schema and products up. Raises psycopg.Error, ValueError, Unavailable."""
    migrate(settings.database_url)
    database = Database(settings.database_url, pool_size=1, metrics=Metrics(), patient=True)
    catalog.seed_if_empty(database, settings.seed_products)
    database.close()


if __name__ == "__main__":
    serve(Settings, create_app, prepare)
