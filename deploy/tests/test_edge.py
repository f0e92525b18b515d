"""What the edge answers by itself, and what it lets pass."""

from __future__ import annotations

import json
import socket
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from deploy.envoy import admin, xds
from deploy.envoy.fragments import fragment
from deploy.local.runner import LocalRunner
from deploy.model.home import Home
from deploy.tests.asking import Answer, ask, eventually, send_raw

Check = Callable[[Answer, int, str, str], None]
FIELDS = {"type", "title", "status", "detail", "instance", "code", "trace_id"}


@pytest.fixture
def edge(services: LocalRunner) -> int:
    """The port of the public listener."""
    return services.stack.part("edge").port("http")


@pytest.fixture
def is_problem() -> Check:
    """A check that an answer is a problem of ours: status, code, instance."""

    def check(answer: Answer, status: int, code: str, instance: str) -> None:
        assert (answer.status, answer.body["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.body) == FIELDS
        assert answer.body["type"] == f"urn:problem:twinshop:{code}"
        assert answer.body["status"] == status
        assert answer.body["instance"] == instance
        assert len(answer.body["trace_id"]) == 36
        assert ("retry-after" in answer.headers) == (status in (429, 503))

    return check


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/products", "catalog"),
        ("/products/BOOK-1?x=1", "catalog"),
        ("/categories", "catalog"),
        ("/orders/1/cancel", "orders"),
        ("/payments/1", "payments"),
        ("/webhooks/payments", "payments"),
        ("/notifications", "notifications"),
    ],
)
def test_each_public_path_goes_to_its_service(services: LocalRunner, edge: int, path: str, part: str) -> None:
    answer = ask(edge, "GET", path)

    pids = {one.part: one.pid for one in services.status().instances}
    assert (answer.status, answer.body["pid"]) == (200, pids[part])


@pytest.mark.parametrize(
    ("path", "instance"),
    [
        ("/internal/reservations", "/internal/reservations"),
        ("/products/../internal/x", "/internal/x"),
        ("/healthz", "/healthz"),
        ("/readyz?x=1", "/readyz"),
        ("/metrics", "/metrics"),
        ("/productsx", "/productsx"),
    ],
)
def test_other_paths_are_not_found(edge: int, path: str, instance: str, is_problem: Check) -> None:
    is_problem(ask(edge, "GET", path), 404, "not_found", instance)


def test_inner_listener_takes_inner_paths_only(services: LocalRunner, is_problem: Check) -> None:
    inner = services.stack.part("edge").port("catalog")

    assert (
        ask(inner, "POST", "/internal/reservations", {"X-Request-Id": "mine"}).body["headers"]["x-request-id"] == "mine"
    )
    is_problem(ask(inner, "GET", "/products"), 404, "not_found", "/products")


def test_edge_gives_every_request_an_id_of_its_own(edge: int) -> None:
    answer = ask(edge, "GET", "/products", {"X-Request-Id": "forged"})

    received = answer.body["headers"]["x-request-id"]
    assert received != "forged"
    assert answer.headers["x-request-id"] == received


def test_customer_cannot_change_the_deadline(edge: int) -> None:
    answer = ask(edge, "GET", "/products?sleep_ms=50", {"x-envoy-upstream-rq-timeout-ms": "1"})

    assert answer.status == 200


def test_reset_after_the_request_was_sent_is_an_unknown_outcome(edge: int, is_problem: Check) -> None:
    is_problem(ask(edge, "POST", "/orders?reset"), 504, "deadline_exceeded", "/orders")
    is_problem(ask(edge, "POST", "/orders?garbage"), 504, "deadline_exceeded", "/orders")


def test_deadline_of_the_edge(edge: int, is_problem: Check) -> None:
    began = time.monotonic()

    is_problem(ask(edge, "POST", "/orders?sleep_ms=9000"), 504, "deadline_exceeded", "/orders")
    assert 7.9 < time.monotonic() - began < 8.5


def test_the_edge_is_administered_by_a_socket_of_ours_and_no_port(services: LocalRunner, edge: int) -> None:
    path = Path(services.stack.part("edge").admin)
    envoy = next(one for one in services.status().instances if one.part == "edge")
    ports = {each.laddr.port for each in psutil.Process(envoy.pid).net_connections("tcp") if each.status == "LISTEN"}

    assert "LIVE" in admin.ask(str(path), "/server_info")
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert ports == set(services.stack.part("edge").ports.values())
    assert ask(edge, "POST", "/quitquitquit").status == 404


def test_part_that_is_away_is_unavailable(services: LocalRunner, edge: int, is_problem: Check) -> None:
    services.hold("payments")
    try:
        is_problem(ask(edge, "GET", "/payments/1"), 503, "unavailable", "/payments/1")
        assert ask(edge, "GET", "/orders").status == 200
    finally:
        services.release("payments")

    assert ask(edge, "GET", "/payments/1").status == 200


def test_replica_that_cannot_be_connected_to_costs_no_request(services: LocalRunner, home: Home, edge: int) -> None:
    port = services.stack.part("payments").port("http")
    envoy = home.stack("microservices") / "envoy"

    xds.publish_replicas(envoy, "payments", [port, port + 7])  # nobody listens there
    try:
        eventually(lambda: len(admin.replica_ports(services.stack.part("edge").admin, "payments")) == 2)
        answers = {ask(edge, "GET", "/payments/1").status for _ in range(60)}
    finally:
        xds.publish_replicas(envoy, "payments", [port])

    assert answers == {200}


def test_only_replica_is_never_given_up(services: LocalRunner, home: Home, edge: int, is_problem: Check) -> None:
    port = services.stack.part("payments").port("http")
    envoy = home.stack("microservices") / "envoy"

    xds.publish_replicas(envoy, "payments", [port + 7])
    try:
        eventually(lambda: ask(edge, "GET", "/payments/1").status == 503)
        for _ in range(10):
            is_problem(ask(edge, "POST", "/payments/1/refunds"), 503, "unavailable", "/payments/1/refunds")
    finally:
        xds.publish_replicas(envoy, "payments", [port])

    eventually(lambda: ask(edge, "GET", "/payments/1").status == 200, within_s=0.5)


def test_body_of_64_kib_passes_and_one_byte_more_does_not(edge: int, is_problem: Check) -> None:
    assert ask(edge, "POST", "/orders", body=b"x" * 65536).body["body_bytes"] == 65536

    is_problem(ask(edge, "POST", "/orders", body=b"x" * 65537), 413, "body_too_large", "/orders")


def test_headers_that_are_too_large(edge: int, is_problem: Check) -> None:
    is_problem(ask(edge, "GET", "/products", {"X-Big": "x" * 20_000}), 431, "headers_too_large", "/")


def test_malformed_http(edge: int, is_problem: Check) -> None:
    is_problem(send_raw(edge, b"blah\r\n\r\n"), 400, "malformed_body", "/")


def test_half_sent_requests_are_ended(edge: int, is_problem: Check) -> None:
    half_headers = b"GET /products HTTP/1.1\r\nHost: x\r\n"
    half_body = b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"

    is_problem(send_raw(edge, half_headers), 408, "request_timeout", "/")
    is_problem(send_raw(edge, half_body), 408, "request_timeout", "/orders")


def connection_limit() -> tuple[str, int]:
    """The runtime key of the limit, and what the edge starts with."""
    (key, limit), *_ = fragment("bootstrap")["layered_runtime"]["layers"][0]["static_layer"].items()
    return key, limit


def test_connections_beyond_the_limit_are_closed(services: LocalRunner, edge: int) -> None:
    key, limit = connection_limit()
    services.set_runtime({key: "0"})
    try:
        with socket.create_connection(("127.0.0.1", edge), timeout=5) as refused:
            end = refused.recv(1)
    finally:
        services.set_runtime({key: str(limit)})

    assert end == b""
    assert ask(edge, "GET", "/products").status == 200


def test_the_edge_starts_with_a_limit_on_connections(services: LocalRunner) -> None:
    key, limit = connection_limit()

    runtime = json.loads(admin.ask(services.stack.part("edge").admin, "/runtime"))

    assert limit == 10_000
    assert runtime["entries"][key]["layer_values"][0] == str(limit)


def test_rate_limit_is_off_until_switched_on(services: LocalRunner, edge: int, is_problem: Check) -> None:
    assert {ask(edge, "GET", "/products").status for _ in range(80)} == {200}

    services.rate_limit(on=True)
    try:  # until one is refused, since on a busy machine requests one after the other may stay below the limit
        with ThreadPoolExecutor(16) as crowd:
            answers = (
                each for _ in range(20) for each in crowd.map(lambda _: ask(edge, "GET", "/products"), range(80))
            )
            refused = next(answer for answer in answers if answer.status != 200)
    finally:
        services.rate_limit(on=False)
    is_problem(refused, 429, "rate_limited", "/products")
    assert {ask(edge, "GET", "/products").status for _ in range(80)} == {200}
