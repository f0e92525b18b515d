"""Checks come in the contract's order, and every error is told as a problem."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from microservices.kit.web import Answer, Customer, RequestMiddleware, answer_errors, called_by, read_keyed
from shared.contract.bodies import MAX_BODY_BYTES, RefundInput
from shared.domain.errors import Unauthenticated
from shared.platform.metrics import Metrics
from shared.platform.tokens import Principal

BODY = '{"amount": {"amount": 5, "currency": "EUR"}}'
WELL = {"Authorization": "Bearer good", "Content-Type": "application/json", "Idempotency-Key": "k"}

Headers = dict[str, str] | list[tuple[str, str]]


class OneToken:
    """Knows the token `good`, and has never seen it before."""

    def cached(self, authorization: str | None) -> None:
        if not authorization:
            raise Unauthenticated

    def verify(self, authorization: str | None, callers: object = None) -> Any:
        if authorization != "Bearer good":
            raise Unauthenticated
        return Principal("ada", "", frozenset())


def app() -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.state.token_verifier = app.state.service_verifier = OneToken()

    @app.post("/keyed")
    async def keyed(request: Request, who: Customer) -> Response:
        read = await read_keyed(request, RefundInput, "POST /keyed")
        return Answer(200, read.fingerprint.encode(), "text/plain").response()

    @app.get("/internal/thing", dependencies=[called_by("orders")])
    async def inner() -> Response:
        return Response()

    @app.get("/defect")
    async def defect() -> Response:
        raise RuntimeError("with a secret in it")

    answer_errors(app, [app.router])
    app.add_middleware(RequestMiddleware, metrics=Metrics())
    return app


def ask(method: str, path: str, content: str | bytes = b"", headers: Headers | None = None) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app())
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.request(method, path, content=content, headers=headers or {})

    return asyncio.run(run())


def without(*names: str, **other: str) -> dict[str, str]:
    return {name: value for name, value in WELL.items() if name not in names} | other


@pytest.mark.parametrize(
    ("headers", "content", "status", "code"),
    [
        (without("Authorization", "Content-Type"), "{", 401, "unauthenticated"),
        (without("Content-Type"), "{", 415, "unsupported_media_type"),
        (without("Idempotency-Key"), " " * (MAX_BODY_BYTES + 1), 413, "body_too_large"),
        (without("Idempotency-Key"), "{", 400, "idempotency_key_missing"),
        (WELL | {"Idempotency-Key": "a b"}, "{", 400, "malformed_body"),
        (WELL, "\ufeff" + BODY, 400, "malformed_body"),
        (WELL, b"\xff", 400, "malformed_body"),
        (WELL, '{"amount": NaN}', 400, "malformed_body"),
        (WELL, "[" * 60_000, 400, "malformed_body"),
        (WELL | {"Idempotency-Key": "a b"}, BODY, 422, "invalid_request"),
        (WELL | {"Idempotency-Key": ""}, BODY, 422, "invalid_request"),
        (WELL | {"Idempotency-Key": "k" * 129}, BODY, 422, "invalid_request"),
        (WELL, '{"amount": {"amount": 5, "amount": 6}}', 422, "invalid_request"),
        (WELL, '{"amount": {"amount": "5"}}', 422, "invalid_request"),
        (WELL, BODY.replace("}}", '}, "more": 1}'), 422, "invalid_request"),
    ],
)
def test_a_bad_request_gets_the_first_problem_it_has(
    headers: dict[str, str], content: str | bytes, status: int, code: str
) -> None:
    answer = ask("POST", "/keyed", content, headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["trace_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("Authorization", 401, "unauthenticated"),
        ("Content-Type", 415, "unsupported_media_type"),
        ("Idempotency-Key", 422, "invalid_request"),
    ],
)
def test_a_header_that_comes_twice_is_not_believed(name: str, status: int, code: str) -> None:
    answer = ask("POST", "/keyed", BODY, [*WELL.items(), (name, WELL[name])])

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_spaces_and_the_order_of_fields_do_not_make_another_request() -> None:
    first = ask("POST", "/keyed", BODY, WELL)
    again = ask("POST", "/keyed", '{"amount":{"currency":"EUR","amount":5}}', WELL)

    assert (first.status_code, first.text) == (200, again.text)


def test_a_body_that_does_not_say_its_length_is_cut_off_as_well() -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 1024

    answer = ask("POST", "/keyed", endless(), WELL)  # type: ignore[arg-type]

    assert answer.json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/keyed", 405, "method_not_allowed"),
        ("HEAD", "/defect", 405, None),
        ("GET", "/defect", 500, "internal_error"),
        ("GET", "/internal/thing", 401, "unauthenticated"),
    ],
)
def test_the_frameworks_own_errors_are_problems_too(method: str, path: str, status: int, code: str | None) -> None:
    answer = ask(method, path)

    assert answer.status_code == status
    assert "secret" not in answer.text
    if code is not None:
        assert answer.json()["code"] == code


def test_a_trace_id_of_the_edge_is_kept() -> None:
    assert ask("GET", "/nowhere", headers={"X-Request-Id": "abc-1"}).json()["trace_id"] == "abc-1"
