"""Spans of the requests that a Flask application serves, as a WSGI middleware around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Request
from opentelemetry.trace import Span, SpanKind, StatusCode

from shared.platform import trace_context, tracing
from variants.tracing.recording import OPERATOR_PATHS, PART, Recorder, header_of

_REQUEST_ID = "HTTP_" + tracing.HEADER.upper().replace("-", "_")
_TRACEPARENT = "HTTP_" + tracing.TRACEPARENT.upper()

WsgiApp = Callable[..., Iterable[bytes]]


class TracedWsgi:
    """Records a request if its id says so; the application below goes by the same id."""

    def __init__(self, app: WsgiApp, recorder: Recorder) -> None:
        self._app, self._recorder = app, recorder

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        path = environ["PATH_INFO"]
        if path in OPERATOR_PATHS:
            return self._app(environ, start_response)
        environ[_REQUEST_ID] = tracing.begin(environ.get(_REQUEST_ID))
        parent = self._recorder.admit(environ.get(_TRACEPARENT), environ[_REQUEST_ID])
        if parent is None:
            return self._app(environ, start_response)
        span = self._recorder.begin(environ["REQUEST_METHOD"], SpanKind.SERVER, parent, {"url.path": path})

        def start_traced(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            _describe(span, environ["werkzeug.request"], int(status.split(" ", 1)[0]))
            return start_response(status, [*headers, (trace_context.TRACERESPONSE, header_of(span))], *rest)

        with self._recorder.at_hand(span):
            return self._app(environ, start_traced)


def _describe(span: Span, request: Request, status: int) -> None:
    """Say which route of which module has answered: Flask knows it now, and no longer once the answer has left."""
    route = request.url_rule.rule.replace("<", "{").replace(">", "}") if request.url_rule else "unknown"
    span.update_name(f"{request.method} {route}")
    span.set_attribute("http.request.method", request.method)
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    span.set_attribute(PART, request.blueprint or "web")
    if status >= 500:
        span.set_status(StatusCode.ERROR)
