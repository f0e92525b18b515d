"""What an admin does to the catalog, and that nobody else can."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop, fresh, new_key

PRODUCT = {
    "name": "Crunchy Armchair",
    "description": "Made for one person and one long book.",
    "category": "crunchy-things",
    "price": {"amount": 19_900, "currency": "EUR"},
}


@pytest.mark.core
def test_a_new_product_starts_without_stock_and_is_restocked(shop: Shop, admin: Admin) -> None:
    sku = fresh("NEW-HAMMOCK").upper()

    created = admin.put_product(sku, name="New Hammock")
    restocked = expect(admin.restock(sku, 12), 200)

    assert created["available"] == 0
    assert restocked == {**created, "available": 12}
    assert shop.product(sku) == restocked


@pytest.mark.core
def test_a_changed_product_keeps_its_stock(shop: Shop, admin: Admin) -> None:
    sku = admin.stocks(stock=4, price=100)

    changed = admin.put_product(sku, name="Silent Armchair", price=250)

    assert (changed["name"], changed["price"]["amount"], changed["available"]) == ("Silent Armchair", 250, 4)
    assert shop.product(sku) == changed


@pytest.mark.core
def test_a_retried_restock_counts_once(shop: Shop, admin: Admin) -> None:
    sku, key = admin.stocks(stock=0), new_key()
    first = admin.restock(sku, 5, key=key)
    expect(admin.restock(sku, 2), 200)

    again = admin.restock(sku, 5, key=key)

    expect(first, 200)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert shop.available(sku) == 7
    expect_problem(admin.restock(sku, 6, key=key), 422, "idempotency_key_reused")


def test_the_key_of_a_restock_is_for_one_product(admin: Admin) -> None:
    armchair, lamp, key = admin.stocks("ARMCHAIR"), admin.stocks("LAMP"), new_key()
    expect(admin.restock(armchair, 1, key=key), 200)

    expect_problem(admin.restock(lamp, 1, key=key), 422, "idempotency_key_reused")


def test_ten_restocks_at_once_with_one_key_count_once(shop: Shop, admin: Admin) -> None:
    sku, key = admin.stocks(stock=0), new_key()

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: admin.restock(sku, 5, key=key), range(10)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert shop.available(sku) == 5


@pytest.mark.core
def test_a_restock_of_nothing_that_we_sell_is_not_found(admin: Admin) -> None:
    expect_problem(admin.restock("NO-SUCH-CHAIR", 1), 404, "not_found")
    expect_problem(admin.restock("no-sku", 1), 404, "not_found")


@pytest.mark.core
def test_a_customer_changes_no_product_and_no_stock(shop: Shop, admin: Admin, customer: Customer) -> None:
    sku = admin.stocks(stock=3)

    put = shop.http.put(f"/products/{sku}", json=PRODUCT, headers=customer.authorization)
    restock = customer.post(f"/products/{sku}/restock", {"quantity": 5}, key=new_key())

    expect_problem(put, 403, "forbidden")
    expect_problem(restock, 403, "forbidden")
    assert shop.available(sku) == 3


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001, "5", 1.5, None, True])
def test_a_restock_of_an_odd_quantity_is_named(admin: Admin, quantity: object) -> None:
    sku = admin.stocks(stock=0)

    body = expect_problem(
        admin.post(f"/products/{sku}/restock", {"quantity": quantity}, key=new_key()), 422, "invalid_request"
    )

    assert [error["field"] for error in body["errors"]] == ["quantity"]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 201}),
        ("name", {"name": "nul\x00"}),
        ("category", {"category": ""}),
        ("category", {"category": "x" * 65}),
        ("price.amount", {"price": {"amount": -1, "currency": "EUR"}}),
        ("price.amount", {"price": {"amount": 10**13, "currency": "EUR"}}),
        ("price.amount", {"price": {"amount": "100", "currency": "EUR"}}),
        ("price", {"price": {"amount": 100, "currency": "USD"}}),
        ("price", {"price": {"amount": 10**12, "currency": "EUR"}}),
        ("colour", {"colour": "mauve"}),
    ],
)
def test_a_bad_product_is_named(shop: Shop, admin: Admin, field: str, change: dict[str, object]) -> None:
    sku = fresh("BAD-BENCH").upper()

    answer = shop.http.put(f"/products/{sku}", json=PRODUCT | change, headers=admin.authorization)

    body = expect_problem(answer, 422, "invalid_request")
    assert [error["field"] for error in body["errors"]] == [field]
    expect_problem(shop.http.get(f"/products/{sku}"), 404, "not_found")
