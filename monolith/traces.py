"""Spans of the monolith: of each request, and of each call of a module's facade. Used only where tracing is on.

A call of a facade is to this build what a request to another service is to the other one: with a span for each, the
traces of one order lie side by side, step by step.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, request
from opentelemetry.trace import SpanKind, StatusCode

from monolith import catalog
from monolith.payments import Payments, Provider, Refunds, Settler
from shared.platform import tracing
from shared.platform.spans import recording, sampling, sql
from shared.platform.spans.calls import OrderOf, TracedTransport, wrap, wrap_job, wrap_step
from shared.platform.spans.recording import PART, Recorder

OPERATOR_PATHS = ("/healthz", "/readyz", "/metrics")


def install(app: Flask, recorder: Recorder) -> None:
    """Record requests, statements, and calls between modules."""
    app.extensions["recorder"] = recorder
    sql.watch(app.extensions["database"].engine)
    provider: Provider = app.extensions["provider"]
    provider.send_through(lambda transport: TracedTransport(transport, "provider"))
    _watch_requests(app, recorder)
    _watch_facades(app)
    wrap_job(app.extensions["sender"], "_send_one", "mail", recorder, lambda given: given[1], part="notifications")
    settler: Settler = app.extensions["settler"]
    for step in ("_charge", "_refund"):
        name = f"payments.settle{step}"
        wrap_step(settler, step, name, recorder, lambda given, _: given[0].order_id, part="payments")


def _watch_requests(app: Flask, recorder: Recorder) -> None:
    def begin() -> None:
        if request.path in OPERATOR_PATHS:
            return
        parent = recorder.admit(request.headers.get(sampling.TRACEPARENT), tracing.current())
        if parent is None:
            return
        route = request.url_rule.rule.replace("<", "{").replace(">", "}") if request.url_rule else "unknown"
        attributes = {
            "http.request.method": request.method,
            "http.route": route,
            "url.path": request.path,
            PART: request.blueprint or "web",
        }
        g.span = recorder.begin(f"{request.method} {route}", SpanKind.SERVER, parent, attributes)
        recorder.enter(g.span)

    # Second: the first gives the request its id, and whoever comes after may let it wait.
    app.before_request_funcs[None].insert(1, begin)

    @app.after_request
    def answer(response: Response) -> Response:
        span = g.get("span")
        if span is not None:
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
            response.headers[sampling.TRACERESPONSE] = recording.header_of(span)
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        span = g.pop("span", None)
        if span is not None:
            recording.leave()  # the thread goes on with another request
            span.end()


def _watch_facades(app: Flask) -> None:
    def after_connection(given: tuple[Any, ...], _: Any) -> str:
        return str(given[1])

    def of_first(given: tuple[Any, ...], _: Any) -> str:
        return str(given[0].order_id)

    def of_second(given: tuple[Any, ...], _: Any) -> str:
        return str(given[1].order_id)

    def watch(owner: Any, part: str, *steps: tuple[str, OrderOf]) -> None:
        for method, order_of in steps:
            wrap(owner, method, f"{part}.{method}", order_of, part=part)

    payments: Payments = app.extensions["payments"]
    refunds: Refunds = app.extensions["refunds"]
    watch(catalog, "catalog", *((step, after_connection) for step in ("reserve", "sell", "release", "give_back")))
    watch(
        payments,
        "payments",
        *(("record", of_second), ("charge", of_first), ("record_result", of_second), ("settle", of_first)),
    )
    watch(
        refunds,
        "payments",
        *(("record_cancel", after_connection), ("send", of_first), ("record_result", of_second)),
    )
    watch(
        app.extensions["notifications"],
        "notifications",
        ("enqueue", lambda given, _: given[2].order_id),
        ("dispatch", lambda given, _: given[0]),
    )
