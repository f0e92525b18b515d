"""Spans of the requests that an ASGI application serves, as a middleware around it."""

from __future__ import annotations

import asyncio

from opentelemetry.trace import SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.platform import trace_context, tracing
from variants.tracing.recording import OPERATOR_PATHS, Recorder, close_all, header_of

_REQUEST_ID = tracing.HEADER.lower().encode()
_TRACERESPONSE = trace_context.TRACERESPONSE.encode()


class TracedAsgi:
    """Records a request if its id says so; the application below goes by the same id."""

    def __init__(self, app: ASGIApp, recorder: Recorder) -> None:
        self._app, self._recorder = app, recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in OPERATOR_PATHS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = tracing.begin(_joined(headers, tracing.HEADER))
        if _joined(headers, tracing.HEADER) != request_id:
            others = [(name, value) for name, value in scope["headers"] if name != _REQUEST_ID]
            scope = {**scope, "headers": [*others, (_REQUEST_ID, request_id.encode())]}
        parent = self._recorder.admit(_joined(headers, tracing.TRACEPARENT), request_id)
        if parent is None:
            await self._app(scope, receive, send)
            return
        about = {"http.request.method": scope["method"], "url.path": scope["path"]}
        span = self._recorder.begin(scope["method"], SpanKind.SERVER, parent, about)

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= 500:
                    span.set_status(StatusCode.ERROR)
                answered = (_TRACERESPONSE, header_of(span).encode())
                message["headers"] = [*message.get("headers", ()), answered]
            await send(message)

        with self._recorder.at_hand(span):
            try:
                await self._app(scope, receive, send_traced)
            finally:
                route = getattr(scope.get("route"), "path", "unknown")
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)


class ClosingAsgi:
    """Hands the last spans over when the application below has shut down, before the server ends the process."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""

        async def send_closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await asyncio.to_thread(close_all)
            await send(message)

        await self._app(scope, receive, send_closing if scope["type"] == "lifespan" else send)


def _joined(headers: Headers, name: str) -> str:
    """Return the value of a header; lines that repeat it are joined with commas, as WSGI does, and say nothing."""
    return ",".join(headers.getlist(name))
