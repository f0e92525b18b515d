"""What of the monolith has a span: requests, statements, the provider, and each call of a module's facade.

A call of a facade is to this build what a request to another service is to the other one: with a span for each, the
traces of one order lie side by side, step by step.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from multiprocessing.util import Finalize
from typing import Any, TypeVar

from flask import Flask
from opentelemetry.trace import SpanKind

from monolith import server
from monolith.catalog import Catalog
from monolith.config import Settings
from monolith.notifications import Notifications, Sender
from monolith.payments import Payments, Provider, Recovery, Refunds
from variants.tracing import sql
from variants.tracing.recording import active, close_all, recorder_of
from variants.tracing.replacing import replace
from variants.tracing.steps import Steps
from variants.tracing.wsgi import TracedWsgi

NAME = "monolith"
EXTRACTABLE = "migration.inside_monolith.app"  # a monolith whose modules may become services

S = TypeVar("S", bound=Settings)


def install() -> None:
    """Let the server's worker process, in which everything happens, make a traced application."""
    serve = server.serve

    @functools.wraps(serve)
    def serve_traced(settings_class: type[S], create_app: Callable[[S], Flask], prepare: Callable[[S], None]) -> None:
        serve(settings_class, partial(create_traced, create_app), prepare)

    replace(serve, serve_traced)


def create_traced(create_app: Callable[[S], Flask], settings: S) -> Flask:
    """Return the application with spans, whose last ones are handed over after it is closed."""
    Finalize(None, close_all, exitpriority=0)
    watch()
    if EXTRACTABLE in sys.modules:
        import_module("variants.tracing.extraction").watch()
    return traced(create_app(settings))


def traced(app: Flask) -> Flask:
    """Record the requests that an application serves."""
    app.wsgi_app = TracedWsgi(app.wsgi_app, recorder_of(NAME))  # type: ignore[method-assign]
    return app


def watch() -> None:
    """Put spans around what the application consists of."""
    sql.watch()
    for call in (Provider.charge, Provider.void, Provider.refund):
        _watch_provider(call)

    stock = Steps(NAME, part="catalog")
    stock.call(Catalog.reserve, lambda self, connection, order_id, lines, expected_total: order_id)
    stock.call(Catalog.sell, lambda self, connection, order_id: order_id)
    stock.call(Catalog.release, lambda self, connection, order_id: order_id)
    stock.call(Catalog.give_back, lambda self, connection, order_id: order_id)

    payments = Steps(NAME, part="payments")
    payments.call(Payments.record, lambda self, connection, charge: charge.order_id)
    payments.call(Payments.charge, lambda self, charge: charge.order_id)
    payments.call(Payments.record_result, lambda self, connection, result: result.order_id)
    payments.call(Payments.settle, lambda self, result: result.order_id)
    payments.call(Refunds.record_cancel, lambda self, connection, order_id: order_id)
    payments.call(Refunds.send, lambda self, refund: refund.order_id)
    payments.call(Refunds.record_result, lambda self, connection, refund, status: refund.order_id)
    payments.root(Recovery.settle_charge, lambda self, charge, attempts, too_old: charge.order_id)
    payments.root(Recovery.settle_refund, lambda self, refund: refund.order_id)

    notifications = Steps(NAME, part="notifications")
    notifications.call(Notifications.enqueue, lambda self, connection, kind, about: about.order_id)
    notifications.call(Notifications.dispatch, lambda self, order_id: order_id)
    notifications.mail(Sender.send_one, lambda self, server, mail: mail)


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
