"""The application: wires the four modules to each other. `python -m monolith.app` serves it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx
from flask import Flask, Response

from monolith import bulkheads, catalog, movable, notifications, orders, payments, storefront, web
from monolith.config import Settings
from monolith.database import Database
from monolith.pruning import Pruner
from monolith.server import serve
from monolith.worker import Loop
from shared.platform.metrics import CONTENT_TYPE, Metrics
from shared.platform.settings import load_or_exit
from shared.platform.tokens import TokenVerifier
from shared.storefront import Storefront

MAIL_LINGER_S = 0.1  # nobody waits for a mail, and mails of one batch share a connection


def create_app(settings: Settings, provider_transport: httpx.BaseTransport | None = None) -> Flask:
    """Return the application. Starts nothing: its background loops are in `app.extensions["loops"]`.

    `provider_transport` is for tests, which bring a provider of their own.
    """
    app = Flask(__name__, static_folder=None)
    metrics = Metrics(off_file=settings.counting_off_file)
    database = Database(settings.database_url, pool_size=settings.db_pool_size, metrics=metrics)
    transport = provider_transport or payments.DeadlineTransport(settings.provider_timeout_s)
    provider = payments.Provider(
        transport, settings.provider_url, settings.provider_merchant, settings.provider_api_key, metrics
    )

    sender = notifications.Sender(
        database,
        host=settings.smtp_host,
        port=settings.smtp_port,
        mail_domain=settings.mail_domain,
        timeout_s=settings.mail_timeout_s,
        metrics=metrics,
    )
    # Whoever waits for a mail waits no longer than the services wait for each other.
    send_about = partial(sender.send_about, timeout_s=min(settings.mail_timeout_s, settings.inner_timeout_s))
    send_at_once = send_about if settings.notify == "call" else None
    if settings.movable:
        movable.wire(app, settings, database, provider, metrics, send_at_once)
    else:
        _wire(app, settings, database, provider, metrics, send_at_once)
    charges, refunds = app.extensions["payments"], app.extensions["refunds"]
    secret = settings.webhook_secret
    app.extensions.update(
        settings=settings,
        metrics=metrics,
        database=database,
        provider=provider,
        tokens=TokenVerifier(settings.jwks_url, settings.token_issuer, settings.token_audience),
        webhooks=payments.Webhooks(
            charges, refunds, merchant=settings.provider_merchant, secret=secret, metrics=metrics
        ),
        sender=sender,
    )
    _add_background_work(app, settings)
    web.install(app, metrics)
    if settings.movable:
        movable.install(app, settings)
    bulkheads.install(app, bulkheads.parse(settings.bulkheads))
    for module in (catalog, orders, payments, notifications):
        app.register_blueprint(module.blueprint)
    pages = Storefront(build="monolith", identity_url=settings.token_issuer)
    app.register_blueprint(storefront.blueprint(pages))
    _add_operator_routes(app)
    return app


def _wire(
    app: Flask,
    settings: Settings,
    database: Database,
    provider: payments.Provider,
    metrics: Metrics,
    send_about: Callable[[str], object] | None,
) -> None:
    """Put the modules into `app.extensions`: each calls the others' functions, in one process."""
    mails = notifications.Notifications(database, settings.mail_domain, send_about)
    refunds = payments.Refunds(
        database,
        provider,
        retry_after_s=settings.recovery_after_s,
        on_refunded=partial(orders.on_refunded, mails),
        metrics=metrics,
    )
    charges = payments.Payments(
        database,
        provider,
        risk_ms=settings.risk_ms,
        retry_after_s=settings.recovery_after_s,
        on_settled=partial(orders.on_payment_settled, mails, refunds),
    )
    shop = orders.Shop(database, charges, refunds, mails, settings.cancel_window_s)
    app.extensions.update(notifications=mails, refunds=refunds, payments=charges, shop=shop)


def _add_background_work(app: Flask, settings: Settings) -> None:
    database, metrics = app.extensions["database"], app.extensions["metrics"]
    mails, sender = app.extensions["notifications"], app.extensions["sender"]
    settler = payments.Settler(
        database,
        app.extensions["payments"],
        app.extensions["refunds"],
        call_s=settings.provider_timeout_s,
        give_up_s=settings.payment_give_up_s,
        metrics=metrics,
    )
    sweep_s = settings.sweep_interval_s
    prune = Pruner(database, keys_kept_h=settings.keys_kept_h, inbox_kept_h=settings.inbox_kept_h).step
    if settings.movable:
        loops = movable.loops(app, settings, settler, prune, MAIL_LINGER_S)
    else:
        loops = [
            Loop("mail", [sender.send_queued], sweep_interval_s=sweep_s, wake=mails.queued, linger_s=MAIL_LINGER_S),
            Loop("settle", [settler.settle_charges, settler.settle_refunds, prune], sweep_interval_s=sweep_s),
        ]
    app.extensions.update(settler=settler, loops=loops)


def _add_operator_routes(app: Flask) -> None:
    database, metrics = app.extensions["database"], app.extensions["metrics"]
    metrics.watch_threads(app.extensions["settings"].web_threads)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response('{"status":"alive"}', content_type=web.JSON)

    @app.get("/readyz")
    def readyz() -> Response:
        ready = database.is_ready()
        status = '{"status":"ready"}' if ready else '{"status":"not ready"}'
        return Response(status, 200 if ready else 503, content_type=web.JSON)

    @app.get("/metrics")
    def show_metrics() -> Response:
        return Response(metrics.render(), content_type=CONTENT_TYPE)


def close(app: Flask) -> None:
    """Stop the loops and close all connections."""
    for loop in app.extensions["loops"]:
        loop.stop()
    app.extensions["settler"].close()
    app.extensions["provider"].close()
    if "hand_on" in app.extensions:
        app.extensions["hand_on"].close()
    app.extensions["database"].close()


if __name__ == "__main__":
    serve(load_or_exit(Settings), create_app, close)
