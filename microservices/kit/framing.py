"""What surrounds every request: a trace id, a metric, and a problem for whatever goes wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from microservices.kit.web import Answer
from shared.contract.problems import problem, problem_of_error, problem_of_status
from shared.domain.errors import ShopError
from shared.platform import tracing
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

_HEADER = tracing.HEADER.lower().encode()


class Frame:
    """Outermost layer, in plain ASGI: it sees each request once and costs next to nothing."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or the lifespan, which is passed on)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = tracing.begin(_header(scope, _HEADER))
        self._metrics.in_flight.begin()
        started = time.perf_counter()
        status = 0

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_HEADER, trace_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_traced)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if status:  # half of an answer is out already: only a reset tells the truth
                raise
            ours = problem("internal_error", instance=scope["path"], trace_id=trace_id)
            await Answer.of_problem(ours).response()(scope, receive, send_traced)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.requests.labels(scope["method"], route, status).observe(time.perf_counter() - started)
            self._metrics.in_flight.end()


def answer_errors(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Make the app tell every error, also the framework's own, as problem+json. `routers` are the app's."""

    async def on_shop_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, ShopError)
        if error.code == "internal_error":
            log.error("%s %s: %s", request.method, request.url.path, error.detail, exc_info=error)
        told = problem_of_error(error, instance=request.url.path, trace_id=tracing.current())
        return Answer.of_problem(told).response()

    async def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        told = problem_of_status(error.status_code, instance=request.url.path, trace_id=tracing.current())
        headers = {**told.headers, **(error.headers or {})}
        if error.status_code == 405:  # the framework names the methods of the first route only
            headers["Allow"] = ", ".join(_methods_at(request.url.path, routers))
        return Answer.of_problem(type(told)(told.status, told.body, headers)).response()

    async def on_invalid(request: Request, _: Exception) -> Response:
        told = problem("invalid_request", instance=request.url.path, trace_id=tracing.current())
        return Answer.of_problem(told).response()

    app.add_exception_handler(ShopError, on_shop_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)


def _methods_at(path: str, routers: Sequence[APIRouter]) -> list[str]:
    """Return the methods that some route takes on this path."""
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
    return sorted({method for route in routes if route.path_regex.match(path) for method in route.methods or ()})


def _header(scope: dict[str, Any] | Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None
