"""An answer is judged by its content: a 200 that holds nothing is a failure, a refusal can be right."""

import json

import pytest

from loadtests.load.users.journeys import Request
from loadtests.load.users.judgement import judge

PRODUCT = {"sku": "LAMP-1", "category": "lamps", "price": {"amount": 1900, "currency": "EUR"}}
ORDER_BODY = {"lines": [{"sku": "LAMP-1", "quantity": 2}], "payment_method": "pm_ok"}
CONFIRMED = {
    "id": "order-1",
    "status": "confirmed",
    "lines": [{"sku": "LAMP-1", "quantity": 2, "line_total": {"amount": 3800}}],
    "total": {"amount": 3800},
}


def request(journey, about="", body=None):
    return Request(journey, "/", "GET", "/", body=body, about=about)


def order():
    return request("order", body=ORDER_BODY)


def money(amount):
    return request("order", body=ORDER_BODY | {"expected_total": {"amount": amount}})


def repriced(amount):
    return request("price", "LAMP-1", {"price": {"amount": amount, "currency": "EUR"}})


def outcome(request, status, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge(request, status, content).outcome


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [
        (request("list"), 200, {"items": [PRODUCT]}),
        (request("category", "lamps"), 200, {"items": [PRODUCT]}),
        (request("search", "lamp"), 200, {"items": [PRODUCT]}),
        (request("product", "LAMP-1"), 200, PRODUCT),
        (request("categories"), 200, {"items": [{"name": "lamps", "product_count": 1}]}),
        (request("recommendations", "LAMP-1"), 200, {"sku": "LAMP-1", "model": "0a", "items": [{"sku": "SOFA-1"}]}),
        (request("own_orders"), 200, {"items": []}),
        (request("notifications"), 200, {"items": [{"order_id": "order-1"}]}),
        (order(), 201, CONFIRMED),
        (order(), 202, CONFIRMED | {"status": "payment_pending"}),
        (money(3800), 201, CONFIRMED),
        (repriced(1900), 200, PRODUCT),
        (request("restock", "LAMP-1", {"quantity": 3}), 200, PRODUCT),
        (request("cancel", "order-1"), 200, {"id": "order-1", "status": "cancelled"}),
        (request("cancel", "order-1"), 202, {"id": "order-1", "status": "cancelling"}),
    ],
)
def test_what_was_asked_for_is_ok(sent, status, body):
    assert outcome(sent, status, body) == "ok"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"<html>", b'{"items": [{"sku"', b"\xff\xfe", b"7"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("list"), 200),
        (request("product", "LAMP-1"), 200),
        (request("categories"), 200),
        (request("recommendations", "LAMP-1"), 200),
        (request("own_orders"), 200),
        (request("notifications"), 200),
        (order(), 201),
        (request("cancel", "order-1"), 200),
    ],
)
def test_a_success_that_holds_nothing_is_an_error(sent, status, content):
    assert outcome(sent, status, content) == "error"


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [
        (request("list"), 200, {"items": []}),
        (request("list"), 200, {"items": [PRODUCT] * 21}),
        (request("category", "kettles"), 200, {"items": [PRODUCT]}),
        (request("product", "LAMP-2"), 200, PRODUCT),
        (order(), 201, CONFIRMED | {"status": "payment_pending"}),
        (order(), 202, CONFIRMED),
        (order(), 200, CONFIRMED),
        (order(), 201, CONFIRMED | {"lines": []}),
        (order(), 201, CONFIRMED | {"total": {"amount": 1}}),
        (order(), 201, CONFIRMED | {"total": None}),
        (money(3801), 201, CONFIRMED),
        (repriced(1901), 200, PRODUCT),
        (request("restock", "LAMP-2", {"quantity": 3}), 200, PRODUCT),
        (request("cancel", "order-1"), 200, {"id": "order-1", "status": "confirmed"}),
        (request("cancel", "order-1"), 200, {"id": "order-2", "status": "cancelled"}),
    ],
)
def test_a_success_with_other_content_is_an_error(sent, status, body):
    assert outcome(sent, status, body) == "error"


@pytest.mark.parametrize(
    ("sent", "status", "code", "expected"),
    [
        (order(), 409, "out_of_stock", "business"),
        (order(), 402, "payment_declined", "business"),
        (request("cancel", "order-1"), 409, "not_cancellable", "business"),
        (order(), 409, "request_in_flight", "error"),
        (order(), 409, "price_changed", "error"),
        (money(1), 409, "price_changed", "business"),
        (order(), 429, "rate_limited", "error"),
        (order(), 503, "unavailable", "error"),
        (order(), 504, "deadline_exceeded", "error"),
        (request("product", "LAMP-1"), 404, "not_found", "error"),
        (request("list"), 409, "out_of_stock", "error"),
    ],
)
def test_only_refusals_that_belong_to_the_shop_are_business(sent, status, code, expected):
    judgement = judge(sent, status, json.dumps({"code": code}).encode())

    assert (judgement.outcome, judgement.code) == (expected, code)


def test_an_error_page_without_a_problem_is_an_error_too():
    assert judge(order(), 502, b"<html>bad gateway</html>").code == "not_a_problem"


def test_no_answer_is_neither_right_nor_wrong():
    assert outcome(order(), 0, b"") == "unanswered"
