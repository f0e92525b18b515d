"""Admin refunds: part of the money back, never more than was taken."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop, new_key

UNKNOWN = "0197a3b2-0000-7000-8000-000000000000"


def refunds_at_provider(shop: Shop, order_id: str) -> list[int]:
    """Return the amounts that went back, in cents, in the order in which they did."""
    charge = shop.provider.charge(order_id)
    assert charge is not None
    return [refund["amount"] for refund in charge["refunds"]]


def test_an_admin_refunds_a_part(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(price=10_000), 1))

    refund = expect(admin.refund(order["payment_id"], 2_500), 200)

    assert refund["payment_id"] == order["payment_id"]
    assert (refund["status"], refund["amount"]) == ("refunded", {"amount": 2_500, "currency": "EUR"})
    assert set(refund) == {"id", "payment_id", "status", "amount"}
    assert customer.payment(order["payment_id"])["refunded"]["amount"] == 2_500
    assert customer.payment(order["payment_id"])["status"] == "captured"
    assert customer.order(order["id"])["status"] == "confirmed"
    assert refunds_at_provider(shop, order["id"]) == [2_500]


def test_a_refund_above_what_was_taken_is_refused(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(price=10_000), 1))
    expect(admin.refund(order["payment_id"], 6_000), 200)

    expect_problem(admin.refund(order["payment_id"], 4_001), 409, "refund_exceeds_capture")

    expect(admin.refund(order["payment_id"], 4_000), 200)
    assert refunds_at_provider(shop, order["id"]) == [6_000, 4_000]


def test_two_refunds_at_once_cannot_exceed_the_capture_together(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(price=10_000), 1))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: admin.refund(order["payment_id"], 4_000), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [409] * 6
    assert refunds_at_provider(shop, order["id"]) == [4_000, 4_000]


def test_a_retried_refund_is_the_same_refund(shop: Shop, admin: Admin, customer: Customer) -> None:
    order, key = customer.buy((admin.stocks(price=10_000), 1)), new_key()
    first = admin.refund(order["payment_id"], 2_500, key=key)

    again = admin.refund(order["payment_id"], 2_500, key=key)

    expect(first, 200)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert refunds_at_provider(shop, order["id"]) == [2_500]
    expect_problem(admin.refund(order["payment_id"], 2_600, key=key), 422, "idempotency_key_reused")


def test_a_key_counts_for_one_operation(shop: Shop, admin: Admin, customer: Customer) -> None:
    sku, key = admin.stocks(price=10_000), new_key()
    order = customer.buy((sku, 1))
    restocked = admin.restock(sku, 5, key=key)

    refunded = admin.refund(order["payment_id"], 2_500, key=key)

    expect(restocked, 200)
    expect(refunded, 200)
    assert admin.restock(sku, 5, key=key).content == restocked.content
    assert admin.refund(order["payment_id"], 2_500, key=key).content == refunded.content
    assert refunds_at_provider(shop, order["id"]) == [2_500]


def test_a_used_key_is_refused_before_what_the_path_names_is_looked_for(admin: Admin, customer: Customer) -> None:
    sku, key = admin.stocks(price=10_000), new_key()
    order = customer.buy((sku, 1))
    expect(admin.refund(order["payment_id"], 2_500, key=key), 200)
    expect(admin.restock(sku, 5, key=key), 200)

    expect_problem(admin.refund(UNKNOWN, 2_500, key=key), 422, "idempotency_key_reused")
    expect_problem(admin.refund("no-payment", 2_500, key=key), 404, "not_found")
    expect_problem(admin.restock("NO-SUCH-CHAIR", 5, key=key), 422, "idempotency_key_reused")
    expect_problem(admin.restock("no-sku", 5, key=key), 404, "not_found")


def test_cancelling_refunds_what_admin_refunds_have_left(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(price=10_000), 1))
    expect(admin.refund(order["payment_id"], 2_500), 200)

    cancelled = expect(customer.cancel(order["id"]), 200)

    assert cancelled["status"] == "cancelled"
    assert refunds_at_provider(shop, order["id"]) == [2_500, 7_500]
    expect_problem(admin.refund(order["payment_id"], 1), 409, "refund_exceeds_capture")


def test_cancelling_what_is_refunded_in_full_calls_for_no_refund(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(price=10_000), 1))
    expect(admin.refund(order["payment_id"], 10_000), 200)

    cancelled = expect(customer.cancel(order["id"]), 200)

    assert cancelled["status"] == "cancelled"
    assert refunds_at_provider(shop, order["id"]) == [10_000]


def test_what_was_declined_has_nothing_to_refund(admin: Admin, customer: Customer) -> None:
    expect_problem(customer.place_order((admin.stocks(), 1), payment_method="pm_declined"), 402, "payment_declined")
    payment_id = customer.orders()[0]["payment_id"]

    expect_problem(admin.refund(payment_id, 1), 409, "refund_exceeds_capture")


def test_a_refund_in_another_currency_is_invalid(admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(price=10_000), 1))

    expect_problem(admin.refund(order["payment_id"], 100, currency="USD"), 422, "invalid_request")


def test_only_an_admin_refunds(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))
    body = {"amount": {"amount": 100, "currency": "EUR"}}

    path = f"/payments/{order['payment_id']}/refunds"

    expect_problem(customer.post(path, body, key=new_key()), 403, "forbidden")
    assert refunds_at_provider(shop, order["id"]) == []


def test_a_payment_that_is_not_there_cannot_be_refunded(admin: Admin) -> None:
    expect_problem(admin.refund(UNKNOWN, 1), 404, "not_found")
    expect_problem(admin.refund("no-payment", 1), 404, "not_found")
