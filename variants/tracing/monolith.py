"""What of the monolith has a span: requests, statements, the provider, and each call of a module's facade.

A call of a facade is to this build what a request to another service is to the other one: with a span for each, the
traces of one order lie side by side, step by step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask
from opentelemetry.trace import SpanKind

from monolith import catalog, server
from monolith.config import Settings
from monolith.notifications import Notifications, Sender
from monolith.payments import Payments, Provider, Refunds, Settler
from variants.tracing import sql
from variants.tracing.recording import active, close_all, recorder_of
from variants.tracing.replacing import replace
from variants.tracing.steps import Steps
from variants.tracing.wsgi import TracedWsgi

NAME = "monolith"

CreateApp = Callable[[Settings], Flask]
Close = Callable[[Flask], None]


def install() -> None:
    """Let the server's worker process, in which everything happens, make a traced application."""
    serve = server.serve

    @functools.wraps(serve)
    def serve_traced(settings: Settings, create_app: CreateApp, close: Close) -> None:
        serve(settings, partial(create_traced, create_app), partial(close_traced, close))

    replace(serve, serve_traced)


def create_traced(create_app: CreateApp, settings: Settings) -> Flask:
    """Return the application with spans."""
    watch()
    return traced(create_app(settings))


def traced(app: Flask) -> Flask:
    """Record the requests that an application serves."""
    app.wsgi_app = TracedWsgi(app.wsgi_app, recorder_of(NAME))  # type: ignore[method-assign]
    return app


def close_traced(close: Close, app: Flask) -> None:
    """Close the application, and hand over its last spans."""
    close(app)
    close_all()


def watch() -> None:
    """Put spans around what the application consists of."""
    sql.watch()
    for call in (Provider.charge, Provider.void, Provider.refund):
        _watch_provider(call)

    stock = Steps(NAME, part="catalog")
    stock.call(catalog.reserve, lambda connection, order_id, lines, expected_total: order_id)
    stock.call(catalog.sell, lambda connection, order_id: order_id)
    stock.call(catalog.release, lambda connection, order_id: order_id)
    stock.call(catalog.give_back, lambda connection, order_id: order_id)

    payments = Steps(NAME, part="payments")
    payments.call(Payments.record, lambda self, connection, charge: charge.order_id)
    payments.call(Payments.charge, lambda self, charge: charge.order_id)
    payments.call(Payments.record_result, lambda self, connection, result: result.order_id)
    payments.call(Payments.settle, lambda self, result: result.order_id)
    payments.call(Refunds.record_cancel, lambda self, connection, order_id: order_id)
    payments.call(Refunds.send, lambda self, refund: refund.order_id)
    payments.call(Refunds.record_result, lambda self, connection, refund, status: refund.order_id)
    payments.root(Settler.settle_charge, lambda self, charge, attempts, too_old: charge.order_id)
    payments.root(Settler.settle_refund, lambda self, refund: refund.order_id)

    notifications = Steps(NAME, part="notifications")
    notifications.call(Notifications.enqueue, lambda self, connection, kind, about: about.order_id)
    notifications.call(Notifications.dispatch, lambda self, order_id: order_id)
    notifications.mail(Sender.send_one, lambda self, server, row: row)


def _watch_provider(call: Callable[..., Any]) -> None:
    about = {"http.request.method": "POST", "peer.service": "provider"}

    @functools.wraps(call)
    def traced_call(*args: Any) -> Any:
        now = active()
        if now is None:
            return call(*args)
        with now.recorder.at_hand(now.recorder.begin("POST provider", SpanKind.CLIENT, now.span, about)):
            return call(*args)

    replace(call, traced_call)
