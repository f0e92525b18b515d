"""Numbers written in odd ways and things said twice: every build refuses them, and in the same way."""

from __future__ import annotations

import json
import time
import uuid

import httpx
import pytest

from shared.platform.webhook_signature import HEADER, sign
from tests.arms import Arm
from tests.journeys.answers import expect, expect_problem
from tests.journeys.raw_http import send_raw
from tests.journeys.shop import Admin, Customer, Shop, new_key, order_body

LISTS = ["/products", "/orders", "/notifications"]
NO_LIMITS = ["0000000100000", "00000001099999999999999999999", "007", "0" * 4000 + "7", "9" * 4000, "+7", "7 ", "1e1"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", NO_LIMITS, ids=lambda limit: limit[:12])
def test_a_limit_that_only_some_would_read_as_small_is_refused(customer: Customer, path: str, limit: str) -> None:
    problem = expect_problem(customer.get(path, limit=limit), 422, "invalid_request")

    assert [error["field"] for error in problem["errors"]] == ["limit"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("name", ["limit", "cursor"])
def test_a_parameter_of_a_list_that_comes_twice_is_refused(customer: Customer, path: str, name: str) -> None:
    problem = expect_problem(
        customer.shop.http.get(f"{path}?{name}=5&{name}=5", headers=customer.authorization), 422, "invalid_request"
    )

    assert [error["field"] for error in problem["errors"]] == [name]


@pytest.mark.parametrize("name", ["query", "category"])
def test_a_search_for_two_things_at_once_is_refused(shop: Shop, name: str) -> None:
    problem = expect_problem(shop.http.get(f"/products?{name}=chair&limit=2&{name}=lamp"), 422, "invalid_request")

    assert [error["field"] for error in problem["errors"]] == [name]


def test_a_parameter_that_the_shop_does_not_know_may_come_twice(shop: Shop) -> None:
    assert len(expect(shop.http.get("/products?utm=a&limit=2&utm=b"), 200)["items"]) == 2


def send_with(customer: Customer, sku: str, *more: tuple[str, str], **body: str) -> httpx.Response:
    """POST /orders as this customer with these headers besides, some of them perhaps twice."""
    headers = [*customer.authorization.items(), *more]
    if not any(name == "Content-Type" for name, _ in more):
        headers.append(("Content-Type", "application/json"))
    content = json.dumps({**order_body((sku, 1)), **body})
    return customer.shop.http.post("/orders", content=content, headers=headers)


@pytest.mark.parametrize("second", ["the same", "another"])
def test_two_keys_are_no_key(customer: Customer, admin: Admin, second: str) -> None:
    sku = admin.stocks("KEYHOLE-COVER", stock=5)
    first = new_key()
    keys = [("Idempotency-Key", first), ("Idempotency-Key", first if second == "the same" else new_key())]

    problem = expect_problem(send_with(customer, sku, *keys), 422, "invalid_request")

    assert [error["field"] for error in problem["errors"]] == ["Idempotency-Key"]
    assert customer.orders() == []


def test_a_list_of_keys_is_no_key(customer: Customer, admin: Admin) -> None:
    sku = admin.stocks("KEYHOLE-COVER", stock=5)

    expect_problem(send_with(customer, sku, ("Idempotency-Key", f"{new_key()},{new_key()}")), 422, "invalid_request")

    assert customer.orders() == []


def test_a_key_spelt_with_an_underscore_is_no_key(customer: Customer, admin: Admin) -> None:
    sku = admin.stocks("KEYHOLE-COVER", stock=5)

    expect_problem(send_with(customer, sku, ("Idempotency_Key", new_key())), 400, "idempotency_key_missing")

    assert customer.orders() == []


def test_a_header_spelt_with_an_underscore_does_not_touch_the_real_one(customer: Customer, admin: Admin) -> None:
    sku = admin.stocks("KEYHOLE-COVER", stock=5)
    key = new_key()

    first = send_with(customer, sku, ("Idempotency-Key", key), ("Idempotency_Key", new_key()))
    again = send_with(customer, sku, ("Idempotency-Key", key))

    assert expect(again, 201)["id"] == expect(first, 201)["id"]


def test_two_tokens_are_no_token(customer: Customer, admin: Admin, shop: Shop) -> None:
    sku = admin.stocks("KEYHOLE-COVER", stock=5)
    more = [("Idempotency-Key", new_key()), *shop.customer().authorization.items()]

    expect_problem(send_with(customer, sku, *more), 401, "unauthenticated")


def test_two_media_types_are_none(customer: Customer, admin: Admin) -> None:
    sku = admin.stocks("KEYHOLE-COVER", stock=5)
    types = [("Content-Type", "application/json"), ("Content-Type", "application/json")]

    answer = send_with(customer, sku, ("Idempotency-Key", new_key()), *types)

    expect_problem(answer, 415, "unsupported_media_type")


def test_two_signatures_are_none(shop: Shop) -> None:
    body = b'{"id": "w-1"}'
    signature = sign(shop.provider.webhook_secret, body, int(time.time()))
    headers = [("Content-Type", "application/json"), (HEADER, signature), (HEADER, signature)]

    answer = shop.http.post("/webhooks/payments", content=body, headers=headers)

    expect_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("is_edge", [True, False], ids=["at the edge", "behind it"])
def test_two_request_ids_are_none(arm: Arm, shop: Shop, is_edge: bool) -> None:
    address = arm.url if is_edge else arm.part_url("catalog")
    headers = [("X-Request-Id", "first-1"), ("X-Request-Id", "second-2")]

    answer = shop.http.get(f"{address}/products/NO-SUCH-CHAIR", headers=headers)

    assert uuid.UUID(expect_problem(answer, 404, "not_found")["trace_id"])


@pytest.mark.parametrize("lengths", [("2", "2"), ("2", "3"), ("+2",), ("0x2",), ("9" * 30,), ("-1",)], ids=str)
def test_a_body_whose_length_is_not_clear_is_refused(arm: Arm, lengths: tuple[str, ...]) -> None:
    head = "".join(f"Content-Length: {length}\r\n" for length in lengths)
    request = f"POST /orders HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{head}\r\n{{}}".encode()

    assert send_raw(arm.url, request, patience_s=5).status in {0, 400, 413}
