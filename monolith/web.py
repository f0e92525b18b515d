"""What every route needs of HTTP: who is asking, a checked body, and answers in one form."""

from __future__ import annotations

import logging
import time
from typing import TypeVar

from flask import Flask, Response, current_app, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from shared.contract.answers import JSON, Answer
from shared.contract.bodies import MAX_BODY_BYTES, Body
from shared.contract.parsing import KEY_HEADER, Keyed, parse, parse_keyed
from shared.contract.problems import Problem, problem, problem_of_status
from shared.domain.errors import Forbidden, ShopError
from shared.platform import tracing
from shared.platform.metrics import Metrics
from shared.platform.tokens import Principal, TokenVerifier

SERVER_NAME = "twinshop"  # the HTTP server would name itself otherwise
B = TypeVar("B", bound=Body)
log = logging.getLogger(__name__)


def send(answer: Answer) -> Response:
    """Return Flask's response for an answer."""
    return Response(answer.body, answer.status, answer.headers, content_type=answer.media_type)


def send_problem(document: Problem) -> Response:
    """Return Flask's response for a problem."""
    return send(Answer.of_problem(document))


def principal(role: str = "") -> Principal:
    """Return who is asking. Raises Unauthenticated, Forbidden if the role is missing, Unavailable."""
    tokens: TokenVerifier = current_app.extensions["tokens"]
    who = tokens.verify(request.headers.get("Authorization"))
    if role and role not in who.roles:
        raise Forbidden(f"This needs the role {role}.")
    return who


def read_body(model: type[B]) -> B:
    """Return the checked JSON body. Raises HTTPException (415, 413), MalformedBody, InvalidRequest, in this order."""
    return parse(_read_json(), model)[0]


def read_keyed(model: type[B]) -> Keyed[B]:
    """Return the checked JSON body and its Idempotency-Key.

    Raises HTTPException (415, 413), IdempotencyKeyMissing, MalformedBody, InvalidRequest, in this order.
    """
    route = f"{request.method} {request.path}"
    return parse_keyed(_read_json(), model, request.headers.get(KEY_HEADER), route)


def _read_json() -> bytes:
    if request.mimetype != JSON:
        raise UnsupportedMediaType
    return request.get_data(cache=False)  # raises 413 above MAX_CONTENT_LENGTH


class UnsupportedMediaType(HTTPException):
    """The body is not declared as JSON."""

    code = 415


def install(app: Flask, metrics: Metrics) -> None:
    """Give the app trace ids, metrics, and problem+json for every error, the framework's own too."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.merge_slashes = False  # no redirects: a path exists or it does not
    app.before_request(lambda: _begin(metrics))
    app.after_request(lambda response: _end(response, metrics))
    app.register_error_handler(ShopError, _on_shop_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_defect)


def _begin(metrics: Metrics) -> Response | None:
    metrics.in_flight.begin()
    g.started = time.perf_counter()
    tracing.begin(request.headers.get(tracing.HEADER))
    if request.method in ("HEAD", "OPTIONS") and request.url_rule is not None:
        return _method_not_allowed()  # Flask would answer them by itself
    return None


def _end(response: Response, metrics: Metrics) -> Response:
    response.headers[tracing.HEADER] = tracing.current()
    response.headers["Server"] = SERVER_NAME
    route = request.url_rule.rule.replace("<", "{").replace(">", "}") if request.url_rule else "unknown"
    taken_s = time.perf_counter() - g.started
    metrics.requests.labels(request.method, route, str(response.status_code)).observe(taken_s)
    metrics.in_flight.end()
    return response


def _on_shop_error(error: ShopError) -> Response:
    if error.code == "internal_error":
        log.error("defect: %s", error.detail, exc_info=error)
    return send(Answer.of_error(error, instance=request.path, trace_id=tracing.current()))


def _on_http_error(error: HTTPException) -> Response:
    if error.code == 405:
        return _method_not_allowed()
    return send_problem(problem_of_status(error.code or 500, instance=request.path, trace_id=tracing.current()))


def _on_defect(error: Exception) -> Response:
    log.error("unhandled: %s %s", request.method, request.path, exc_info=error)
    return send_problem(problem("internal_error", instance=request.path, trace_id=tracing.current()))


def _method_not_allowed() -> Response:
    adapter = request_ctx.url_adapter
    allowed = sorted(set(adapter.allowed_methods() if adapter else ()) - {"HEAD", "OPTIONS"})
    response = send_problem(problem("method_not_allowed", instance=request.path, trace_id=tracing.current()))
    response.headers["Allow"] = ", ".join(allowed)
    return response
