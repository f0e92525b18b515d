"""What the edge answers itself: requests that come too slowly, headers that are too large, no way in behind it."""

from __future__ import annotations

import httpx
import pytest

from tests.arms import Arm
from tests.journeys.answers import PROBLEM, expect, expect_problem
from tests.journeys.raw_http import RawAnswer, SlowSender, send_raw
from tests.journeys.shop import Shop


def expect_raw_problem(answer: RawAnswer, status: int, code: str) -> None:
    """Assert that the bytes on the wire are this problem."""
    assert (answer.status, answer.headers.get("content-type")) == (status, PROBLEM), answer
    assert (answer.json()["code"], answer.json()["status"]) == (code, status)


@pytest.mark.settlement
def test_half_a_header_is_given_up(slow_senders: dict[str, SlowSender]) -> None:
    answer = slow_senders["header"].answer()

    expect_raw_problem(answer, 408, "request_timeout")
    assert answer.after_s < 10


@pytest.mark.settlement
def test_half_a_body_is_given_up(slow_senders: dict[str, SlowSender]) -> None:
    answer = slow_senders["body"].answer()

    expect_raw_problem(answer, 408, "request_timeout")
    assert answer.after_s < 10


def test_headers_that_are_too_large_are_refused(shop: Shop) -> None:
    answer = shop.http.get("/products", headers={"X-Luggage": "x" * 20_000})

    expect_problem(answer, 431, "headers_too_large")


def test_too_many_headers_are_refused(shop: Shop) -> None:
    answer = shop.http.get("/products", headers={f"X-Suitcase-{number}": "x" for number in range(150)})

    expect_problem(answer, 431, "headers_too_large")


@pytest.mark.parametrize(
    "request_line", [b"GET /products HTTQ/1.1\r\n\r\n", b"NONSENSE\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n"]
)
def test_what_is_no_http_is_refused(arm: Arm, request_line: bytes) -> None:
    answer = send_raw(arm.url, request_line, patience_s=5)

    assert answer.status in {0, 400, 426, 505}


def test_a_request_that_is_two_requests_is_refused(arm: Arm) -> None:
    smuggled = (
        b"POST /orders HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /internal/charges HTTP/1.1\r\nHost: shop.example\r\n\r\n"
    )

    assert send_raw(arm.url, smuggled, patience_s=5).status in {0, 400}


@pytest.mark.parametrize(
    "path",
    [
        "/internal/charges",
        "/Internal/charges",
        "/products/../internal/charges",
        "//internal/charges",
        "/products/%2e%2e/internal/charges",
        "/products/..%2finternal/charges",
        "/internal%2fcharges",
    ],
)
def test_the_edge_leads_to_no_inner_route(arm: Arm, path: str) -> None:
    request = f"POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()

    answer = send_raw(arm.url, request, patience_s=5)

    assert answer.status in {400, 404, 405}, answer


def test_a_customer_cannot_change_the_edges_deadlines(shop: Shop) -> None:
    headers = {"x-envoy-upstream-rq-timeout-ms": "1", "x-envoy-upstream-rq-per-try-timeout-ms": "1"}

    expect(shop.http.get("/products", headers=headers), 200)


def test_answers_do_not_tell_what_runs_behind_the_edge(shop: Shop) -> None:
    answer = shop.http.get("/products")

    names = " ".join(f"{name}: {value}" for name, value in answer.headers.items()).lower()
    for word in ("x-envoy", "werkzeug", "granian", "uvicorn", "x-powered-by"):
        assert word not in names


def test_a_connection_serves_many_requests(arm: Arm) -> None:
    with httpx.Client(base_url=arm.url, limits=httpx.Limits(max_connections=1)) as client:
        statuses = {client.get("/products", params={"limit": 1}).status_code for _ in range(50)}

    assert statuses == {200}
