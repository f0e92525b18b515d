"""Errors as application/problem+json (RFC 9457): one table from the shop's errors to HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from shared.contract.bodies import MoneyBody
from shared.domain.errors import FieldError, InvalidRequest, MalformedBody, PriceChanged, ShopError

PROBLEM_MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

# code -> (HTTP status, title)
TABLE: dict[str, tuple[int, str]] = {
    "malformed_body": (400, "The body is not valid JSON"),
    "idempotency_key_missing": (400, "An Idempotency-Key header is required"),
    "unauthenticated": (401, "A valid token is required"),
    "payment_declined": (402, "The payment was declined"),
    "forbidden": (403, "This needs another role"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "request_timeout": (408, "The request came too slowly"),
    "out_of_stock": (409, "Out of stock"),
    "price_changed": (409, "The price has changed"),
    "reservation_refused": (409, "The order was released before it was reserved"),
    "request_in_flight": (409, "The first request with this key is still running"),
    "not_cancellable": (409, "The order can no longer be cancelled"),
    "refund_exceeds_capture": (409, "The refund is more than what was taken"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body must be application/json"),
    "invalid_request": (422, "The request is not valid"),
    "idempotency_key_reused": (422, "The Idempotency-Key was used with another body"),
    "rate_limited": (429, "Too many requests"),
    "headers_too_large": (431, "The headers are too large"),
    "internal_error": (500, "An error of ours"),
    "unavailable": (503, "A part that this request needs is away"),
    "deadline_exceeded": (504, "No answer in time; send the same request again to learn the outcome"),
}
RETRYABLE_CODES = frozenset({"request_in_flight", "rate_limited", "unavailable"})
CODE_OF_STATUS = {
    400: "malformed_body",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "rate_limited",
    431: "headers_too_large",
    503: "unavailable",
    504: "deadline_exceeded",
}


@dataclass(frozen=True)
class Problem:
    """A ready answer: HTTP status, headers and body."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def problem(
    code: str,
    *,
    detail: str = "",
    instance: str = "",
    trace_id: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Problem:
    """Return the problem of this `code`; an unknown code is a defect of ours and raises KeyError."""
    status, title = TABLE[code]
    body: dict[str, Any] = {
        "type": f"urn:problem:twinshop:{code}",
        "title": title,
        "status": status,
        "detail": detail or f"{title}.",
        "instance": instance,
        "code": code,
        "trace_id": trace_id,
        **(extra or {}),
    }
    headers = {"Content-Type": PROBLEM_MEDIA_TYPE}
    if code in RETRYABLE_CODES:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if code == "unauthenticated":
        headers["WWW-Authenticate"] = 'Bearer realm="twinshop"'
    return Problem(status, body, headers)


def problem_of_error(error: ShopError, *, instance: str, trace_id: str) -> Problem:
    """Return the problem that one of the shop's errors is told as."""
    extra: dict[str, Any] = {}
    if isinstance(error, InvalidRequest) and error.errors:
        extra["errors"] = [{"field": e.field, "message": e.message} for e in error.errors]
    if isinstance(error, PriceChanged):
        extra["total"] = MoneyBody.of(error.total).model_dump()
    # A defect of ours keeps its detail for the log.
    detail = "" if error.code == "internal_error" else error.detail
    return problem(error.code, detail=detail, instance=instance, trace_id=trace_id, extra=extra)


def problem_of_status(status: int, *, instance: str, trace_id: str) -> Problem:
    """Return the problem for a status that the framework answers by itself."""
    return problem(CODE_OF_STATUS.get(status, "internal_error"), instance=instance, trace_id=trace_id)


def error_of_validation(error: ValidationError) -> ShopError:
    """Turn pydantic's findings into ours: not JSON at all is malformed, everything else is invalid."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in details):
        return MalformedBody("The body is not valid JSON.")
    return InvalidRequest("The request is not valid.", field_errors(details))


def field_errors(details: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """Turn pydantic's list of findings into field errors with a dotted path."""
    return [FieldError(".".join(str(part) for part in item["loc"]), str(item["msg"])) for item in details]
