"""Spans of a service: of each request, of each event that leaves or arrives. Used only where tracing is on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contract.events import Event
from shared.platform import tracing
from shared.platform.spans import recording, sampling
from shared.platform.spans.recording import ORDER, Recorder

OPERATOR_PATHS = ("/healthz", "/readyz", "/metrics")
_HEADER = sampling.TRACEPARENT.encode()
_ANSWERED = sampling.TRACERESPONSE.encode()
_CARRIED = re.compile(r'"traceparent":"([0-9a-f-]{55})"')


class TracedAsgi:
    """Stands behind `Frame`, which has given the request its id: the id says whether the request is recorded."""

    def __init__(self, app: ASGIApp, recorder: Recorder) -> None:
        self._app, self._recorder = app, recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in OPERATOR_PATHS:
            await self._app(scope, receive, send)
            return
        asked = next((value.decode("latin-1") for key, value in scope["headers"] if key == _HEADER), None)
        parent = self._recorder.admit(asked, tracing.current())
        if parent is None:
            await self._app(scope, receive, send)
            return
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        span = self._recorder.begin(scope["method"], SpanKind.SERVER, parent, attributes)

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= 500:
                    span.set_status(StatusCode.ERROR)
                answered = (_ANSWERED, recording.header_of(span).encode())
                message["headers"] = [*message.get("headers", ()), answered]
            await send(message)

        with self._recorder.at_hand(span):
            try:
                await self._app(scope, receive, send_traced)
            finally:
                route = getattr(scope.get("route"), "path", "unknown")
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)


@contextmanager
def publishing(recorder: Recorder, event_type: str, payload: str) -> Iterator[dict[str, str]]:
    """Record that an event of a recorded request leaves the outbox; yield the headers of its message."""
    found = _CARRIED.search(payload)
    parent = sampling.parse(found[1]) if found else None
    if parent is None:
        yield {}
        return
    about = {"messaging.system": "nats", "messaging.operation.name": "publish"}
    span = recorder.begin(f"publish {event_type}", SpanKind.PRODUCER, parent, about)
    with recorder.at_hand(span):
        yield {sampling.TRACEPARENT: recording.header_of(span)}


@contextmanager
def consuming(recorder: Recorder, consumer: str, deliveries: Sequence[tuple[Any, Event]]) -> Iterator[None]:
    """Record how a batch of messages is handled: a span for each recorded one, and what is done below the first.

    One transaction handles the whole batch, so its statements can belong to one trace only; the others are linked.
    """
    with ExitStack() as stack:
        first = None
        for message, event in deliveries:
            asked = (message.headers or {}).get(sampling.TRACEPARENT) or event.traceparent
            parent = sampling.parse(asked) if asked else None
            if parent is None:
                continue
            about: dict[str, Any] = {
                "messaging.system": "nats",
                "messaging.operation.name": "process",
                "messaging.consumer.group.name": consumer,
                "messaging.batch.message_count": len(deliveries),
            }
            if order_id := getattr(event, "order_id", None):
                about[ORDER] = order_id
            span = recorder.begin(f"process {event.type}", SpanKind.CONSUMER, parent, about)
            if first is None:
                first = span
                stack.enter_context(recorder.at_hand(span))
            else:
                span.add_link(first.get_span_context())
                stack.callback(span.end)
        yield
