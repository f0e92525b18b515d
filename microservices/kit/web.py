"""What routes are made of: who asks, the body that came, the answer that goes; and what surrounds every request."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contract import answers
from shared.contract.bodies import MAX_BODY_BYTES
from shared.contract.parsing import KEY_HEADER, Keyed, parse, parse_keyed
from shared.contract.problems import problem, problem_of_status
from shared.contract.queries import whole_number
from shared.domain.errors import Forbidden, ShopError
from shared.platform import tracing
from shared.platform.metrics import Metrics
from shared.platform.tokens import Principal, ServiceVerifier, TokenVerifier

log = logging.getLogger(__name__)

_TRACE_HEADER = tracing.HEADER.lower().encode()

B = TypeVar("B", bound=BaseModel)


class Answer(answers.Answer):
    """An answer that the framework can send."""

    def response(self) -> Response:
        """Return it in the framework's form."""
        return Response(self.body, self.status, self.headers, self.media_type)


def header(request: Request, name: str) -> str | None:
    """Return the value of a header, None if it did not come.

    Lines that repeat it are joined with commas, as WSGI does: neither the first nor the last of them is believed.
    """
    return ",".join(request.headers.getlist(name)) if name in request.headers else None


async def customer(request: Request) -> Principal:
    """Return who asks. Raises Unauthenticated."""
    verifier: TokenVerifier = request.app.state.token_verifier
    authorization = header(request, "Authorization")
    # A token seen before costs a look-up. A new one costs a signature, and perhaps a fetch of keys: off the loop.
    principal = verifier.cached(authorization)
    if principal is not None:
        return principal
    return await asyncio.to_thread(verifier.verify, authorization)


def _with_role(role: str) -> Any:
    """Return the dependency that is who asks, if it carries this role. It raises Unauthenticated or Forbidden."""

    async def check(request: Request) -> Principal:
        principal = await customer(request)
        if role not in principal.roles:
            raise Forbidden(f"This needs the role {role}.")
        return principal

    return Depends(check)


def called_by(*services: str) -> Any:
    """Return the dependency of an inner route that only these services may call, by name.

    It raises Unauthenticated, or Forbidden for another service.
    """

    async def check(request: Request) -> None:
        verifier: ServiceVerifier = request.app.state.service_verifier
        verifier.verify(header(request, "Authorization"), services)

    return Depends(check)


Customer = Annotated[Principal, Depends(customer)]
Buyer = Annotated[Principal, _with_role("customer")]
Admin = Annotated[Principal, _with_role("admin")]


def service_of(request: Request) -> Any:
    """Return the service object that `ServiceRuntime.app` was given."""
    return request.app.state.service


async def read_raw(request: Request) -> bytes:
    """Return the raw body. Raises 413 if it is over 64 KiB, without reading the rest."""
    length = request.headers.get("content-length")
    if length is not None and whole_number(length.lstrip("0") or "0", 0, MAX_BODY_BYTES) is None:
        raise HTTPException(413)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise HTTPException(413)
        chunks.append(chunk)
    return b"".join(chunks)


async def read_body(request: Request, model: type[B]) -> B:
    """Return the checked JSON body. Raises 415, 413, MalformedBody or InvalidRequest, in this order."""
    return parse(await _read_json(request), model)[0]


async def read_keyed(request: Request, model: type[B], route: str) -> Keyed[B]:
    """Return the checked JSON body and its Idempotency-Key; `route` is part of the fingerprint.

    Raises 415, 413, IdempotencyKeyMissing, MalformedBody or InvalidRequest, in this order.
    """
    return parse_keyed(await _read_json(request), model, header(request, KEY_HEADER), route)


async def _read_json(request: Request) -> bytes:
    media_type = (header(request, "Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != answers.JSON:
        raise HTTPException(415)
    return await read_raw(request)


class RequestMiddleware:
    """Outermost layer, in plain ASGI: it sees each request once and costs next to nothing."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or the lifespan, which is passed on)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = tracing.begin(",".join(Headers(scope=scope).getlist(tracing.HEADER)))  # see `header`
        self._metrics.in_flight.begin()
        started = time.perf_counter()
        status = 0

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_TRACE_HEADER, trace_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_traced)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if status:  # half of an answer is out already: only a reset tells the truth
                raise
            document = problem("internal_error", instance=scope["path"], trace_id=trace_id)
            await Answer.of_problem(document).response()(scope, receive, send_traced)
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
        return Answer.of_error(error, instance=request.url.path, trace_id=tracing.current()).response()

    async def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        document = problem_of_status(error.status_code, instance=request.url.path, trace_id=tracing.current())
        headers = {**document.headers, **(error.headers or {})}
        if error.status_code == 405:  # the framework names the methods of the first route only
            headers["Allow"] = ", ".join(_methods_at(request.url.path, routers))
        return Answer.of_problem(type(document)(document.status, document.body, headers)).response()

    app.add_exception_handler(ShopError, on_shop_error)
    app.add_exception_handler(HTTPException, on_http_error)


def _methods_at(path: str, routers: Sequence[APIRouter]) -> list[str]:
    """Return the methods that some route takes on this path."""
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
    return sorted({method for route in routes if route.path_regex.match(path) for method in route.methods or ()})
