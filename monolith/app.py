"""The application: wires the four modules to each other, and serves them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import psycopg
from flask import Flask, Response
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from monolith import bulkheads, catalog, notifications, orders, payments, storefront, web
from monolith.config import Settings
from monolith.database import Database
from monolith.migrations import migrate
from monolith.worker import Loop
from shared.platform import failpoints, logs, mishaps
from shared.platform.metrics import CONTENT_TYPE, Metrics
from shared.platform.settings import load_or_exit
from shared.platform.tokens import TokenVerifier
from shared.storefront import Storefront

log = logging.getLogger(__name__)

MAIL_LINGER_S = 0.1  # nobody waits for a mail, and mails of one batch share a connection
DATABASE_STARTS_WITHIN_S = 30.0


def create_app(settings: Settings) -> Flask:
    """Return the application. Starts nothing: its background loops are in `app.extensions["loops"]`."""
    app = Flask(__name__, static_folder=None)
    metrics = Metrics()
    database = Database(settings.database_url, pool_size=settings.db_pool_size, metrics=metrics)
    transport = payments.DeadlineTransport(settings.provider_timeout_s)
    client = httpx.Client(base_url=settings.provider_url, transport=transport, trust_env=False)
    provider = payments.Provider(client, settings.provider_merchant, settings.provider_api_key, metrics)

    mails = notifications.Notifications(database, settings.mail_domain)
    refunds = payments.Refunds(
        database,
        provider,
        retry_after_s=settings.recovery_after_s,
        on_refunded=partial(orders.on_refunded, mails),
    )
    charges = payments.Payments(
        database,
        provider,
        risk_ms=settings.risk_ms,
        retry_after_s=settings.recovery_after_s,
        on_settled=partial(orders.on_payment_settled, mails, refunds),
    )
    secret = settings.webhook_secret
    app.extensions.update(
        settings=settings,
        metrics=metrics,
        database=database,
        provider=provider,
        tokens=TokenVerifier(settings.jwks_url, settings.token_issuer, settings.token_audience),
        payments=charges,
        refunds=refunds,
        webhooks=payments.Webhooks(charges, refunds, merchant=settings.provider_merchant, secret=secret),
        notifications=mails,
        shop=orders.Shop(database, charges, refunds, mails, settings.cancel_window_s),
    )
    app.extensions["loops"] = _loops(app, settings)
    web.install(app, metrics)
    bulkheads.install(app, bulkheads.parse(settings.bulkheads))
    for module in (catalog, orders, payments, notifications):
        app.register_blueprint(module.blueprint)
    pages = Storefront(build="monolith", identity_url=settings.token_issuer)
    app.register_blueprint(storefront.blueprint(pages))
    _add_operator_routes(app)
    return app


def _loops(app: Flask, settings: Settings) -> tuple[Loop, Loop]:
    database, metrics = app.extensions["database"], app.extensions["metrics"]
    mails = app.extensions["notifications"]
    sender = notifications.Sender(
        database,
        host=settings.smtp_host,
        port=settings.smtp_port,
        mail_domain=settings.mail_domain,
        timeout_s=settings.mail_timeout_s,
        metrics=metrics,
    )
    settler = payments.Settler(
        database,
        app.extensions["payments"],
        app.extensions["refunds"],
        call_s=settings.provider_timeout_s,
        give_up_s=settings.payment_give_up_s,
        metrics=metrics,
    )
    sweep_s = settings.sweep_interval_s
    return (
        Loop("mail", [sender.send_queued], sweep_interval_s=sweep_s, wake=mails.queued, linger_s=MAIL_LINGER_S),
        Loop("settle", [settler.settle_charges, settler.settle_refunds], sweep_interval_s=sweep_s),
    )


def _add_operator_routes(app: Flask) -> None:
    database, metrics = app.extensions["database"], app.extensions["metrics"]

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
    app.extensions["provider"].close()
    app.extensions["database"].close()


def load_web(settings: Settings) -> Callable[..., Any]:
    """Return the WSGI callable, in the worker process; the loops run from here on."""
    failpoints.enable(settings.crash_at, settings.reached_file, local_mode=settings.is_local)
    mishaps.enable(settings.faults_file, local_mode=settings.is_local)
    logs.configure("monolith", settings.log_level)
    threading.Thread(target=_die_with_parent, name="parent", daemon=True).start()
    app = create_app(settings)
    for loop in app.extensions["loops"]:
        loop.start()
    return app.wsgi_app


def _die_with_parent() -> None:
    """Without this, a worker whose parent was killed would go on serving beside its successor."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Migrate, seed, and serve until SIGTERM."""
    settings = load_or_exit(Settings)
    logs.configure("monolith", settings.log_level)
    try:
        failpoints.enable(settings.crash_at, settings.reached_file, local_mode=settings.is_local)
        mishaps.enable(settings.faults_file, local_mode=settings.is_local)
        _check_port(settings.host, settings.port)
        if settings.migrate_on_start:
            _prepare(settings)
    except (OSError, ValueError, psycopg.Error) as error:
        sys.stderr.write(f"monolith: {error}\n")
        raise SystemExit(1) from None
    Granian(
        "monolith.app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,  # a worker that dies takes its parent along, and the whole part is started again
        blocking_threads=settings.web_threads,
        blocking_threads_idle_timeout=600,
        http=HTTPModes.http1,
        log_level=LogLevels.warning,
        workers_kill_timeout=10,
    ).serve(target_loader=partial(load_web, settings), wrap_loader=False)


def _check_port(host: str, port: int) -> None:
    """Raise OSError if the port is taken. Granian would share it with whoever has it, and say nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(f"port {port} on {host} cannot be used: {error.strerror}") from error


def _prepare(settings: Settings) -> None:
    """Bring schema and products up, waiting for a database that is still starting. Raises psycopg.Error."""
    give_up_at = time.monotonic() + DATABASE_STARTS_WITHIN_S
    while True:
        try:
            migrate(settings.database_url)
            break
        except psycopg.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)
    database = Database(settings.database_url, pool_size=1, metrics=Metrics())
    catalog.seed_if_empty(database, settings.seed_products)
    database.close()


if __name__ == "__main__":
    main()
