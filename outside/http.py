"""How the outside world speaks HTTP: bodies that are checked, and errors as `{"code", "detail"}`."""

from __future__ import annotations

import logging
import sqlite3
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from shared.contract import queries

MAX_BODY_BYTES = 64 * 1024
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,39}$"  # of a merchant
KEY_PATTERN = r"^[A-Za-z0-9._:-]{1,128}$"  # of a charge or a refund: it must fit into a path

logger = logging.getLogger(__name__)


class RequestBody(BaseModel):
    """A request body: unknown fields and silent conversions are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


B = TypeVar("B", bound=BaseModel)


class Rejection(Exception):
    """Becomes the answer `status` with `code` and `detail`."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


async def read_bytes(request: Request) -> bytes:
    """Return the body. Raises Rejection (413) beyond 64 KiB."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise Rejection(413, "body_too_large", f"A body has at most {MAX_BODY_BYTES} bytes.")
        parts.append(part)
    return b"".join(parts)


async def read_body(request: Request, model: type[B]) -> B:
    """Return the checked body; an empty one counts as `{}`. Raises Rejection (400 no JSON, 413, 422)."""
    raw = await read_bytes(request)
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise invalid(error) from error


def invalid(error: ValidationError) -> Rejection:
    """Return the refusal that names each field in question."""
    items = error.errors(include_url=False, include_context=False, include_input=False)
    if items[0]["type"] == "json_invalid":
        return Rejection(400, "malformed_body", items[0]["msg"])
    detail = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in items)
    return Rejection(422, "invalid_request", detail)


def whole_number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """Return a number from the query string. Raises Rejection (422) unless it is `low` to `high`."""
    texts = request.query_params.getlist(name) or [str(default)]
    number = queries.whole_number(texts[0], low, high) if len(texts) == 1 else None
    if number is None:
        raise Rejection(422, "invalid_request", f"{name}: want one whole number from {low} to {high}")
    return number


def error_response(status: int, code: str, detail: str) -> JSONResponse:
    """Return an error in the form that all of the outside world uses."""
    return JSONResponse({"code": code, "detail": detail}, status)


async def live(_request: Request) -> Response:
    """GET /healthz: the process answers."""
    return JSONResponse({"status": "alive"})


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejection)
    return error_response(error.status, error.code, error.detail)


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
    response = error_response(error.status_code, code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


def _disconnected(_request: Request, _error: Exception) -> Response:
    return error_response(400, "caller_left", "The caller hung up in the middle of the body.")


def _storage(_request: Request, error: Exception) -> Response:
    logger.error("storage failed: %s", error)
    return error_response(503, "storage_unavailable", "The storage cannot be written. Nothing was done.")


ERROR_HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    Rejection: _refused,
    HTTPException: _http,
    ClientDisconnect: _disconnected,
    sqlite3.Error: _storage,
}
