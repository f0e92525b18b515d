"""What all services have in common has a span: requests, statements, calls of peers, events that leave and arrive."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from typing import Any

import httpx
from fastapi import FastAPI
from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp

from microservices.kit import serving
from microservices.kit.broker import Broker
from microservices.kit.inbox import Consumer
from microservices.kit.peers import Peer
from microservices.kit.runtime import ServiceRuntime
from microservices.kit.settings import ServiceSettings
from shared.contract.events import SUBJECT_PREFIX, Event
from shared.platform import trace_context
from variants.tracing import sql
from variants.tracing.asgi import ClosingAsgi, TracedAsgi
from variants.tracing.calls import begin_call, set_status
from variants.tracing.recording import ORDER, active, header_of, recorder_of
from variants.tracing.replacing import replace

_CARRIED = re.compile(rb'(?<="traceparent":")[0-9a-f-]{55}(?=")')
PeerCall = Callable[..., Awaitable[httpx.Response]]
Headers = dict[str, str] | None
Publish = Callable[[Broker, str, bytes, Headers], Awaitable[int]]
Apply = Callable[[Consumer, Sequence[Event]], Awaitable[None]]


def watch() -> None:
    """Put spans around what the kit does for a service."""
    sql.watch()
    replace(serving.serve, _serving(serving.serve))
    replace(ServiceRuntime.app, _serving_requests(ServiceRuntime.app))
    replace(Peer.post, _calling(Peer.post))
    replace(Broker.publish, _publishing(Broker.publish))
    replace(Consumer.apply, _applying(Consumer.apply))


def _serving(serve: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(serve)
    def serving_closing(app: ASGIApp, settings: ServiceSettings, name: str) -> None:
        serve(ClosingAsgi(app), settings, name)

    return serving_closing


def _serving_requests(app_of: Callable[..., FastAPI]) -> Callable[..., FastAPI]:
    @functools.wraps(app_of)
    def serving_requests(runtime: ServiceRuntime, *args: Any) -> FastAPI:
        app = app_of(runtime, *args)
        app.add_middleware(TracedAsgi, recorder=recorder_of(runtime.name))
        return app

    return serving_requests


def _calling(call: PeerCall) -> PeerCall:
    method = call.__name__.upper()

    @functools.wraps(call)
    async def calling(peer: Peer, path: str, *body: bytes) -> httpx.Response:
        now = active()
        if now is None:
            return await call(peer, path, *body)
        with now.recorder.at_hand(begin_call(now, method, peer.name, path)) as span:
            answer = await call(peer, path, *body)
            set_status(span, answer)
            return answer

    return calling


def _publishing(publish: Publish) -> Publish:
    """An event names the span that caused it; the message of the broker names the span that published it."""

    @functools.wraps(publish)
    async def publishing(broker: Broker, subject: str, payload: bytes, headers: Headers = None) -> int:
        carried = _CARRIED.search(payload)
        parent = trace_context.parse(carried[0].decode()) if carried else None
        if parent is None:
            return await publish(broker, subject, payload, headers)
        recorder = recorder_of(broker.name)
        about = {"messaging.system": "nats", "messaging.operation.name": "publish"}
        span = recorder.begin(f"publish {subject.removeprefix(SUBJECT_PREFIX)}", SpanKind.PRODUCER, parent, about)
        with recorder.at_hand(span):
            return await publish(broker, subject, _CARRIED.sub(header_of(span).encode(), payload), headers)

    return publishing


def _applying(apply: Apply) -> Apply:
    """A span for each event of a batch that is recorded, and what is done below the first.

    One transaction handles the whole batch, so its statements can belong to one trace only; the others are linked.
    """

    @functools.wraps(apply)
    async def applying(consumer: Consumer, events: Sequence[Event]) -> None:
        recorder = recorder_of(consumer.name)
        with ExitStack() as stack:
            first = None
            for event in events:
                parent = trace_context.parse(event.traceparent) if event.traceparent else None
                if parent is None:
                    continue
                about: dict[str, str | int] = {
                    "messaging.system": "nats",
                    "messaging.operation.name": "process",
                    "messaging.consumer.group.name": consumer.name,
                    "messaging.batch.message_count": len(events),
                }
                if order_id := getattr(event, "order_id", ""):
                    about[ORDER] = order_id
                span = recorder.begin(f"process {event.type}", SpanKind.CONSUMER, parent, about)
                if first is None:
                    first = span
                    stack.enter_context(recorder.at_hand(span))
                else:
                    span.add_link(first.get_span_context())
                    stack.callback(span.end)
            await apply(consumer, events)

    return applying
