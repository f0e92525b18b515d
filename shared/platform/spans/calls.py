"""Spans around calls: methods and functions of ours, and httpx transports, which send `traceparent` along."""

from __future__ import annotations

import functools
import inspect
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import httpx
from opentelemetry.trace import SpanKind, StatusCode

from shared.platform.spans import recording, sampling
from shared.platform.spans.recording import ORDER, PART, Recorder, active

# Returns the id of the order that a call is about, from its positional arguments and what it returned.
OrderOf = Callable[[tuple[Any, ...], Any], str | None]
# Returns the row of the job that a call is about: it has `traceparent`, `order_id` and `kind`.
RowOf = Callable[[tuple[Any, ...]], Any]


def wrap(owner: Any, method: str, name: str, order_of: OrderOf, *, part: str = "") -> None:
    """Put a span around a method of an object, or a function of a module, wherever a recorded request calls it."""
    call = getattr(owner, method)
    if hasattr(call, "__wrapped__"):
        return  # a second application in the same process
    about = {PART: part} if part else {}

    @functools.wraps(call)
    def spanned(*args: Any, **kwargs: Any) -> Any:
        now = active()
        if now is None:
            return call(*args, **kwargs)
        span = now.recorder.begin(name, SpanKind.INTERNAL, now.span, about)
        with now.recorder.at_hand(span):
            result = None
            try:
                result = call(*args, **kwargs)
                return result
            finally:
                _tell_order(span, order_of(args, result))

    @functools.wraps(call)
    async def spanned_async(*args: Any, **kwargs: Any) -> Any:
        now = active()
        if now is None:
            return await call(*args, **kwargs)
        span = now.recorder.begin(name, SpanKind.INTERNAL, now.span, about)
        with now.recorder.at_hand(span):
            result = None
            try:
                result = await call(*args, **kwargs)
                return result
            finally:
                _tell_order(span, order_of(args, result))

    setattr(owner, method, spanned_async if inspect.iscoroutinefunction(call) else spanned)


def wrap_step(owner: Any, method: str, name: str, recorder: Recorder, order_of: OrderOf, *, part: str = "") -> None:
    """Put a span around a step of a loop, which nobody asked for: it is the root of a trace, kept by chance."""
    call = getattr(owner, method)
    about = {PART: part} if part else {}

    @functools.wraps(call)
    def spanned(*args: Any, **kwargs: Any) -> Any:
        parent = recorder.admit(None, str(uuid.uuid4())) if active() is None else None
        if parent is None:
            return call(*args, **kwargs)
        span = recorder.begin(name, SpanKind.INTERNAL, parent, about)
        with recorder.at_hand(span):
            _tell_order(span, order_of(args, None))
            return call(*args, **kwargs)

    @functools.wraps(call)
    async def spanned_async(*args: Any, **kwargs: Any) -> Any:
        parent = recorder.admit(None, str(uuid.uuid4())) if active() is None else None
        if parent is None:
            return await call(*args, **kwargs)
        span = recorder.begin(name, SpanKind.INTERNAL, parent, about)
        with recorder.at_hand(span):
            _tell_order(span, order_of(args, None))
            return await call(*args, **kwargs)

    setattr(owner, method, spanned_async if inspect.iscoroutinefunction(call) else spanned)


def wrap_job(owner: Any, method: str, name: str, recorder: Recorder, row_of: RowOf, *, part: str = "") -> None:
    """Put a span around work that was written down before: its row says below which span, and about which order."""
    call = getattr(owner, method)

    def span_of(given: tuple[Any, ...]) -> Any:
        row = row_of(given)
        parent = sampling.parse(row.traceparent) if row.traceparent else None
        if parent is None:
            return nullcontext()
        about = {ORDER: str(row.order_id)} | ({PART: part} if part else {})
        return recorder.at_hand(recorder.begin(f"{name} {row.kind}", SpanKind.CLIENT, parent, about))

    @functools.wraps(call)
    def spanned(*args: Any) -> Any:
        with span_of(args):
            return call(*args)

    @functools.wraps(call)
    async def spanned_async(*args: Any) -> Any:
        with span_of(args):
            return await call(*args)

    setattr(owner, method, spanned_async if inspect.iscoroutinefunction(call) else spanned)


class TracedTransport(httpx.BaseTransport):
    """A transport whose calls are spans, and carry `traceparent`."""

    def __init__(self, inner: httpx.BaseTransport, peer: str) -> None:
        self._inner, self._peer = inner, peer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        now = active()
        if now is None:
            return self._inner.handle_request(request)
        with _client_span(now, request, self._peer) as span:
            answer = self._inner.handle_request(request)
            answer.read()
            _tell_status(span, answer)
            return answer

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class TracedAsyncTransport(httpx.AsyncBaseTransport):
    """The same for asyncio."""

    def __init__(self, inner: httpx.AsyncBaseTransport, peer: str) -> None:
        self._inner, self._peer = inner, peer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        now = active()
        if now is None:
            return await self._inner.handle_async_request(request)
        with _client_span(now, request, self._peer) as span:
            answer = await self._inner.handle_async_request(request)
            await answer.aread()
            _tell_status(span, answer)
            return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _client_span(now: recording.Active, request: httpx.Request, peer: str) -> Any:
    attributes = {
        "http.request.method": request.method,
        "url.path": request.url.path,
        "server.address": request.url.host,
        "peer.service": peer,
    }
    span = now.recorder.begin(f"{request.method} {peer}", SpanKind.CLIENT, now.span, attributes)
    request.headers[sampling.TRACEPARENT] = recording.header_of(span)
    return now.recorder.at_hand(span)


def _tell_status(span: Any, answer: httpx.Response) -> None:
    span.set_attribute("http.response.status_code", answer.status_code)
    if answer.status_code >= 500:
        span.set_status(StatusCode.ERROR)


def _tell_order(span: Any, order_id: str | None) -> None:
    if order_id:
        span.set_attribute(ORDER, order_id)
