"""The same request again: one order, one charge, and the same answer byte for byte."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop, new_key, order_body


def assert_replayed(first: httpx.Response, again: httpx.Response) -> None:
    """Assert that `again` is `first` once more, and says so."""
    assert again.status_code == first.status_code
    assert again.content == first.content
    for header in ("content-type", "location"):
        assert again.headers.get(header) == first.headers.get(header)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.core
def test_a_retry_of_a_confirmed_order_gets_the_same_bytes_and_pays_once(
    shop: Shop, admin: Admin, customer: Customer
) -> None:
    armchair, key = admin.stocks(stock=5), new_key()
    first = customer.place_order((armchair, 2), key=key)

    again = [customer.place_order((armchair, 2), key=key) for _ in range(3)]

    order = expect(first, 201)
    for answer in again:
        assert_replayed(first, answer)
    assert [listed["id"] for listed in customer.orders()] == [order["id"]]
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert charge["attempts"] == 1
    assert shop.available(armchair) == 3


@pytest.mark.core
def test_a_retry_of_a_declined_order_is_declined_in_the_same_words(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(), new_key()
    first = customer.place_order((armchair, 1), payment_method="pm_declined", key=key)

    again = customer.place_order((armchair, 1), payment_method="pm_declined", key=key)

    expect_problem(first, 402, "payment_declined")
    assert_replayed(first, again)
    assert len(customer.orders()) == 1


@pytest.mark.core
def test_out_of_stock_stays_the_answer_of_its_key_after_a_restock(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(stock=1), new_key()
    first = customer.place_order((armchair, 2), key=key)
    expect(admin.restock(armchair, 10), 200)

    again = customer.place_order((armchair, 2), key=key)
    with_a_new_key = customer.place_order((armchair, 2))

    expect_problem(first, 409, "out_of_stock")
    assert_replayed(first, again)
    expect(with_a_new_key, 201)


@pytest.mark.core
def test_a_changed_price_stays_the_answer_of_its_key(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(price=19_900), new_key()
    first = customer.place_order((armchair, 1), expected_total=1, key=key)

    again = customer.place_order((armchair, 1), expected_total=1, key=key)

    expect_problem(first, 409, "price_changed")
    assert_replayed(first, again)


@pytest.mark.core
def test_the_key_with_another_body_is_refused_and_orders_nothing(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(), new_key()
    order = expect(customer.place_order((armchair, 1), key=key), 201)

    expect_problem(customer.place_order((armchair, 2), key=key), 422, "idempotency_key_reused")

    assert [listed["id"] for listed in customer.orders()] == [order["id"]]


def test_spaces_and_the_order_of_fields_are_the_same_body(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(), new_key()
    first = customer.place_order((armchair, 1), key=key)

    headers = customer.authorization | {"Idempotency-Key": key, "Content-Type": "application/json; charset=utf-8"}
    body = f' {{"payment_method" : "pm_ok", "lines": [ {{"quantity": 1, "sku": "{armchair}"}} ]}}\n'
    again = shop.http.post("/orders", content=body.encode(), headers=headers)

    expect(first, 201)
    assert_replayed(first, again)


@pytest.mark.core
def test_a_retry_while_the_first_request_still_runs_is_told_to_wait(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(), new_key()
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(customer.place_order, (armchair, 1), payment_method="pm_slow", key=key)
        time.sleep(0.4)  # the provider takes a second over pm_slow

        meanwhile = customer.place_order((armchair, 1), payment_method="pm_slow", key=key)
        first = running.result()

    expect_problem(meanwhile, 409, "request_in_flight")
    expect(first, 201)
    assert_replayed(first, customer.place_order((armchair, 1), payment_method="pm_slow", key=key))


@pytest.mark.core
def test_twenty_retries_at_once_make_one_order_and_one_charge(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(stock=30), new_key()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: customer.place_order((armchair, 1), key=key), range(20)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    bodies = {answer.content for answer in answers if answer.status_code == 201}
    assert len(bodies) == 1
    for answer in answers:
        if answer.status_code == 409:
            expect_problem(answer, 409, "request_in_flight")
    (order,) = customer.orders()
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert (charge["status"], charge["attempts"]) == ("captured", 1)
    assert shop.available(armchair) == 29


def test_two_bodies_at_once_with_one_key_make_one_order(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(stock=30), new_key()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda quantity: customer.place_order((armchair, quantity), key=key), (1, 2)))

    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert len(customer.orders()) == 1


def test_a_key_belongs_to_its_customer(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair, key, neighbour = admin.stocks(), new_key(), shop.customer("neighbour-ned")

    mine = expect(customer.place_order((armchair, 1), key=key), 201)
    theirs = expect(neighbour.place_order((armchair, 1), key=key), 201)

    assert mine["id"] != theirs["id"]


def test_what_was_invalid_leaves_the_key_free(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(), new_key()
    expect_problem(customer.place_order(("NO-SUCH-CHAIR", 1), key=key), 422, "invalid_request")

    answer = customer.place_order((armchair, 1), key=key)

    order = expect(answer, 201)
    assert [listed["id"] for listed in customer.orders()] == [order["id"]]


def test_the_placing_answer_stays_after_the_order_was_cancelled(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(), new_key()
    first = customer.place_order((armchair, 1), key=key)
    expect(customer.cancel(first.json()["id"]), 200)

    again = customer.place_order((armchair, 1), key=key)

    assert_replayed(first, again)


@pytest.mark.parametrize("key", ["x" * 129, "two words", "schlüssel".encode(), "tab\tbed"])
def test_a_malformed_key_is_named(shop: Shop, admin: Admin, customer: Customer, key: str | bytes) -> None:
    headers = customer.authorization | {"Idempotency-Key": key}

    answer = shop.http.post("/orders", json=order_body((admin.stocks(), 1)), headers=headers)  # type: ignore[arg-type]

    expect_problem(answer, 422, "invalid_request")


def test_the_longest_key_is_a_key(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(), new_key().ljust(128, "~")

    first = customer.place_order((armchair, 1), key=key)

    expect(first, 201)
    assert_replayed(first, customer.place_order((armchair, 1), key=key))
