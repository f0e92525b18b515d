"""Each row of the error table has its answer: status, code, problem+json. Equal in every build.

A row that needs a fault is in test_faults.py, one that needs a slow sender in test_edge.py.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from shared.contract.problems import TABLE
from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop, new_key, order_body

ORDER = order_body(("CRUNCHY-ARMCHAIR", 1))
MONEY = {"amount": 100, "currency": "EUR"}


def post_order(
    shop: Shop, customer: Customer, content: bytes | str, media_type: str | None = "application/json", **headers: str
) -> httpx.Response:
    """POST these very bytes to /orders."""
    sent = customer.authorization | {"Idempotency-Key": new_key()} | headers
    if media_type is not None:
        sent["Content-Type"] = media_type
    return shop.http.post("/orders", content=content, headers=sent)


@pytest.mark.core
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nul",
        b"{'lines': 1}",
        b'{"a": 1,}',
        b"\xff\xfe{}",
        b'{"a": NaN}',
        b"[" * 30_000,
        b'{"a": 1} x',
        b"\x00",
    ],
)
def test_malformed_body(shop: Shop, customer: Customer, content: bytes) -> None:
    expect_problem(post_order(shop, customer, content), 400, "malformed_body")


@pytest.mark.core
def test_idempotency_key_missing(shop: Shop, admin: Admin, customer: Customer) -> None:
    sku = admin.stocks()
    payment_id = customer.buy((sku, 1))["payment_id"]

    expect_problem(customer.post("/orders", order_body((sku, 1))), 400, "idempotency_key_missing")
    expect_problem(admin.post(f"/products/{sku}/restock", {"quantity": 1}), 400, "idempotency_key_missing")
    expect_problem(admin.post(f"/payments/{payment_id}/refunds", {"amount": MONEY}), 400, "idempotency_key_missing")


def test_a_missing_key_is_told_before_a_malformed_body(customer: Customer) -> None:
    headers = customer.authorization | {"Content-Type": "application/json"}

    expect_problem(customer.shop.http.post("/orders", content=b"{", headers=headers), 400, "idempotency_key_missing")


@pytest.mark.core
@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", None, ""])
def test_unsupported_media_type(shop: Shop, customer: Customer, media_type: str | None) -> None:
    expect_problem(post_order(shop, customer, json.dumps(ORDER), media_type), 415, "unsupported_media_type")


def test_a_media_type_with_parameters_is_supported(shop: Shop, admin: Admin, customer: Customer) -> None:
    body = json.dumps(order_body((admin.stocks(), 1)))

    expect(post_order(shop, customer, body, "Application/JSON; charset=UTF-8"), 201)


@pytest.mark.core
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/orders"),
        ("PUT", "/orders/0197a3b2-0000-7000-8000-000000000000"),
        ("GET", "/orders/0197a3b2-0000-7000-8000-000000000000/cancel"),
        ("POST", "/products"),
        ("DELETE", "/products/CRUNCHY-ARMCHAIR"),
        ("GET", "/products/CRUNCHY-ARMCHAIR/restock"),
        ("POST", "/categories"),
        ("PATCH", "/payments/0197a3b2-0000-7000-8000-000000000000"),
        ("GET", "/payments/0197a3b2-0000-7000-8000-000000000000/refunds"),
        ("POST", "/notifications"),
        ("GET", "/webhooks/payments"),
    ],
)
def test_method_not_allowed(shop: Shop, customer: Customer, method: str, path: str) -> None:
    answer = shop.http.request(method, path, headers=customer.authorization)

    expect_problem(answer, 405, "method_not_allowed")
    assert method not in answer.headers["allow"].replace(" ", "").split(",")


@pytest.mark.core
@pytest.mark.parametrize(
    "path",
    [
        "/nothing-here",
        "/internal",
        "/internal/charges",
        "/internal/reservations",
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs/more",
        "/openapi.json",
        "/orders/",
        "/products/",
        "/products/A/B",
        "/orders/0197a3b2-0000-7000-8000-000000000000/refunds",
        "/webhooks",
        "/webhooks/payments/more",
        "/productsX",
        "/static/../internal/charges",
    ],
)
def test_not_found(shop: Shop, customer: Customer, path: str) -> None:
    expect_problem(customer.get(path), 404, "not_found")


@pytest.mark.core
def test_body_too_large(shop: Shop, customer: Customer) -> None:
    expect_problem(post_order(shop, customer, b" " * 65_537), 413, "body_too_large")


def test_body_too_large_without_a_length(shop: Shop, customer: Customer) -> None:
    headers = customer.authorization | {"Idempotency-Key": new_key(), "Content-Type": "application/json"}

    answer = shop.http.post("/orders", content=(b" " * 8192 for _ in range(9)), headers=headers)

    expect_problem(answer, 413, "body_too_large")


def test_the_largest_body_is_taken(shop: Shop, admin: Admin, customer: Customer) -> None:
    body = json.dumps(order_body((admin.stocks(), 1))).ljust(65_536)

    expect(post_order(shop, customer, body), 201)


LINES: list[Any] = [{"sku": "CRUNCHY-ARMCHAIR", "quantity": 1}]


@pytest.mark.core
@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("lines", {"payment_method": "pm_ok"}),
        ("payment_method", {"lines": LINES}),
        ("lines", {**ORDER, "lines": []}),
        ("lines", {**ORDER, "lines": "SOFA"}),
        ("lines", {**ORDER, "lines": [{"sku": f"S{n}", "quantity": 1} for n in range(21)]}),
        ("lines", {**ORDER, "lines": LINES * 2}),
        ("lines.0.quantity", {**ORDER, "lines": [{"sku": "SOFA", "quantity": 0}]}),
        ("lines.0.quantity", {**ORDER, "lines": [{"sku": "SOFA", "quantity": 101}]}),
        ("lines.0.quantity", {**ORDER, "lines": [{"sku": "SOFA", "quantity": -1}]}),
        ("lines.0.quantity", {**ORDER, "lines": [{"sku": "SOFA", "quantity": "1"}]}),
        ("lines.0.quantity", {**ORDER, "lines": [{"sku": "SOFA", "quantity": 1.0}]}),
        ("lines.0.quantity", {**ORDER, "lines": [{"sku": "SOFA", "quantity": True}]}),
        ("lines.0.quantity", {**ORDER, "lines": [{"sku": "SOFA", "quantity": 10**40}]}),
        ("lines.0.sku", {**ORDER, "lines": [{"sku": "sofa", "quantity": 1}]}),
        ("lines.0.sku", {**ORDER, "lines": [{"sku": "SOFA\n", "quantity": 1}]}),
        ("lines.0.sku", {**ORDER, "lines": [{"sku": None, "quantity": 1}]}),
        ("lines.1.quantity", {**ORDER, "lines": [*LINES, {"sku": "SOFA"}]}),
        ("lines.0.price", {**ORDER, "lines": [{"sku": "SOFA", "quantity": 1, "price": 1}]}),
        ("payment_method", {**ORDER, "payment_method": "visa"}),
        ("payment_method", {**ORDER, "payment_method": None}),
        ("expected_total.amount", {**ORDER, "expected_total": {"amount": "9", "currency": "EUR"}}),
        ("expected_total.currency", {**ORDER, "expected_total": {"amount": 9, "currency": "euro"}}),
        ("discount", {**ORDER, "discount": 100}),
    ],
)
def test_invalid_request_names_the_field(customer: Customer, field: str, body: dict[str, Any]) -> None:
    problem = expect_problem(customer.post("/orders", body, key=new_key()), 422, "invalid_request")

    assert [error["field"] for error in problem["errors"]] == [field]
    assert all(error["message"] for error in problem["errors"])


@pytest.mark.parametrize("content", [b"[]", b"null", b'"order"', b"7"])
def test_invalid_request_for_what_is_no_object(shop: Shop, customer: Customer, content: bytes) -> None:
    expect_problem(post_order(shop, customer, content), 422, "invalid_request")


def test_invalid_request_for_a_field_that_comes_twice(shop: Shop, customer: Customer) -> None:
    twice = json.dumps(ORDER).removesuffix("}") + ', "payment_method": "pm_declined"}'

    expect_problem(post_order(shop, customer, twice), 422, "invalid_request")
    assert customer.orders() == []


def test_invalid_request_for_half_a_surrogate_pair(shop: Shop, admin: Admin) -> None:
    content = b'{"name": "\\ud800", "description": "", "category": "x", "price": {"amount": 1, "currency": "EUR"}}'
    headers = admin.authorization | {"Content-Type": "application/json"}

    answer = shop.http.put("/products/HALF-A-SMILE", content=content, headers=headers)

    assert answer.status_code in {400, 422}
    expect_problem(answer, answer.status_code, {400: "malformed_body", 422: "invalid_request"}[answer.status_code])


@pytest.mark.core
def test_invalid_request_for_a_product_that_nobody_sells(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks(stock=3)

    expect_problem(customer.place_order((armchair, 1), ("NO-SUCH-CHAIR", 1)), 422, "invalid_request")

    assert customer.orders() == []
    assert shop.available(armchair) == 3


@pytest.mark.parametrize("path", ["/orders", "/notifications", "/products"])
@pytest.mark.parametrize("cursor", ["not a cursor", "AA==", "////", "é"])
def test_invalid_request_for_a_bad_cursor(customer: Customer, path: str, cursor: str) -> None:
    body = expect_problem(customer.get(path, cursor=cursor), 422, "invalid_request")

    assert [error["field"] for error in body["errors"]] == ["cursor"]


@pytest.mark.parametrize("path", ["/orders", "/notifications"])
def test_a_cursor_of_another_list_breaks_nothing(shop: Shop, customer: Customer, path: str) -> None:
    of_products = expect(shop.http.get("/products", params={"limit": 1}), 200)["next_cursor"]

    assert customer.get(path, cursor=of_products).status_code in {200, 422}


def test_a_problem_names_the_path_and_the_trace(shop: Shop, customer: Customer) -> None:
    answer = customer.get("/products/NO-SUCH-CHAIR")

    body = expect_problem(answer, 404, "not_found")
    assert body["instance"] == "/products/NO-SUCH-CHAIR"
    assert body["trace_id"] == answer.headers["x-request-id"]


def test_a_trace_id_of_the_customers_own_is_not_believed(shop: Shop) -> None:
    answer = shop.http.get("/products/NO-SUCH-CHAIR", headers={"X-Request-Id": "I-am-the-operator"})

    assert expect_problem(answer, 404, "not_found")["trace_id"] != "I-am-the-operator"


def test_every_code_of_the_table_is_asked_for_somewhere() -> None:
    elsewhere = {
        "reservation_refused": "test_rules.py, rule 5: between services only",
        "internal_error": "our fault, so that no request may cause it",
    }
    from pathlib import Path  # noqa: PLC0415

    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    missing = [code for code in TABLE if code not in elsewhere and f'"{code}")' not in tests]

    assert missing == []
