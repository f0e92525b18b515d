"""A part is away, frozen or flooded: what the customer is told, and that nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.arms import Arm, Session
from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop, new_key
from tests.journeys.waiting import until

pytestmark = pytest.mark.fault


@contextmanager
def held(arm: Arm, part: str, *, kill: bool = False) -> Iterator[None]:
    """Keep a part down, and wait afterwards until the shop sells again."""
    arm.runner.hold(part, kill=kill)
    try:
        yield
    finally:
        arm.runner.release(part)


def sells_again(admin: Admin, customer: Customer) -> None:
    """Wait until an order can be placed."""
    until("the shop takes orders", lambda: customer.get("/orders").status_code == 200)
    until("the shop lists products", lambda: admin.get("/categories").status_code == 200)
    until("a key is taken", lambda: customer.place_order(("NO-SUCH-CHAIR", 1)).status_code == 422)


def test_rule_04_before_a_503_is_answered_the_order_is_called_off_and_the_key_is_free(
    arm: Arm, shop: Shop, admin: Admin, customer: Customer
) -> None:
    armchair, key = admin.stocks(stock=3), new_key()

    with held(arm, arm.database_of("catalog"), kill=True):
        listed = shop.http.get("/products")
        ordered = customer.place_order((armchair, 2), key=key)

    expect_problem(listed, 503, "unavailable")
    expect_problem(ordered, 503, "unavailable")
    sells_again(admin, customer)
    assert [order["status"] for order in customer.orders()] in ([], ["rejected"])
    order = expect(customer.place_order((armchair, 1), key=key), 201)  # the key is free: another body may use it
    charges = [shop.provider.charge(each["id"]) for each in customer.orders()]
    assert [charge["key"] for charge in charges if charge is not None] == [order["id"]]
    until("nothing stays reserved", lambda: shop.available(armchair) == 2)


def test_rule_04_a_504_counts_as_unanswered_and_the_key_tells_what_became_of_the_order(
    arm: Arm, shop: Shop, admin: Admin, customer: Customer
) -> None:
    armchair, key = admin.stocks(stock=3), new_key()
    customer.orders()
    arm.runner.pause(arm.part_of("orders"))
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(2) as threads:
            reading = threads.submit(customer.get, "/orders")
            placing = threads.submit(customer.place_order, (armchair, 1), key=key)
            unread, unplaced = reading.result(), placing.result()
        took_s = time.monotonic() - began
    finally:
        arm.runner.resume(arm.part_of("orders"))

    expect_problem(unread, 504, "deadline_exceeded")
    expect_problem(unplaced, 504, "deadline_exceeded")
    assert 7 < took_s < 10  # the edge's deadline is 8 s
    answer = until(
        "the key answers",
        lambda: (again := customer.place_order((armchair, 1), key=key)).status_code == 201 and again,
        within_s=20,
    )
    order = expect(answer, 201)
    assert [each["id"] for each in customer.orders()] == [order["id"]]
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert charge["status"] == "captured"
    assert shop.available(armchair) == 2


def test_a_killed_part_is_back_by_itself(arm: Arm, shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))

    arm.runner.kill(arm.part_of("orders"))
    until("the list is back", lambda: customer.get("/orders").status_code == 200, within_s=30)

    assert customer.order(order["id"]) == order


def test_while_a_part_is_held_the_edge_says_503(arm: Arm, customer: Customer) -> None:
    with held(arm, arm.part_of("orders")):
        answer = until("the edge has noticed", lambda: (got := customer.get("/orders")).status_code == 503 and got)

    expect_problem(answer, 503, "unavailable")
    until("the list is back", lambda: customer.get("/orders").status_code == 200)


def test_without_a_provider_orders_wait_and_refunds_are_refused_without_a_trace(
    stacks: Session, admin: Admin, customer: Customer, awaited: list[tuple[Customer, str]]
) -> None:
    armchair = admin.stocks(stock=5, price=10_000)
    bought, key = customer.buy((armchair, 1)), new_key()
    stacks.outside.hold("provider")
    try:
        order = expect(customer.place_order((armchair, 1)), 202)
        refused = admin.refund(bought["payment_id"], 4_000, key=key)
    finally:
        stacks.outside.release("provider")

    assert order["status"] == "payment_pending"
    expect_problem(refused, 503, "unavailable")
    assert customer.payment(bought["payment_id"])["refunded"]["amount"] == 0
    expect(admin.refund(bought["payment_id"], 9_000, key=key), 200)  # the key is free, and so is the money
    awaited.append((customer, order["id"]))


def test_a_flood_is_429_while_the_limit_is_on(arm: Arm, shop: Shop) -> None:
    arm.runner.rate_limit(on=True)
    try:
        with ThreadPoolExecutor(16) as threads:
            # What the edge answers itself is fast enough for a flood on a busy machine, too.
            answers = list(threads.map(lambda _: shop.http.get("/readyz"), range(400)))
    finally:
        arm.runner.rate_limit(on=False)

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    expect_problem(refused[0], 429, "rate_limited")
    assert {answer.status_code for answer in answers} == {404, 429}
    assert {shop.http.get("/categories").status_code for _ in range(80)} == {200}


def test_while_the_mail_server_refuses_mails_wait_and_orders_do_not(
    shop: Shop, admin: Admin, customer: Customer
) -> None:
    shop.mailbox.refuses(share=1.0)
    try:
        order = customer.buy((admin.stocks(), 1))
        until("it is queued", lambda: customer.notifications(order["id"]))
        time.sleep(0.5)
        waiting = customer.notifications(order["id"])[0]["status"]
    finally:
        shop.mailbox.refuses(share=0.0)

    assert waiting == "queued"
    customer.is_told(order["id"], "order_confirmed", within_s=20)
    assert len(shop.mailbox.mails(order["id"], "order_confirmed")) == 1
