"""Place an order: bought, out of stock, declined, at another price, and for the last piece."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Customer, Shop
from tests.journeys.waiting import until


@pytest.mark.core
def test_a_confirmed_order_takes_the_money_once_and_the_goods_off_the_shelf(
    shop: Shop, admin: Admin, customer: Customer
) -> None:
    armchair = admin.stocks("CRUNCHY-ARMCHAIR", stock=10, price=19_900)
    lamp = admin.stocks("SQUEAKY-LAMP", stock=10, price=4_950)

    answer = customer.place_order((armchair, 2), (lamp, 1))

    order = expect(answer, 201)
    assert answer.headers["location"].endswith(f"/orders/{order['id']}")
    assert set(order) == {"id", "status", "lines", "total", "payment_id", "reason", "created_at", "updated_at"}
    assert (order["status"], order["reason"]) == ("confirmed", None)
    assert order["total"] == {"amount": 44_750, "currency": "EUR"}
    assert order["lines"][0] == {
        "sku": armchair,
        "name": "Crunchy Armchair",
        "quantity": 2,
        "unit_price": {"amount": 19_900, "currency": "EUR"},
        "line_total": {"amount": 39_800, "currency": "EUR"},
    }
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert (charge["status"], charge["amount"], charge["currency"]) == ("captured", 44_750, "EUR")
    assert shop.available(armchair) == 8
    assert shop.available(lamp) == 9


@pytest.mark.core
def test_the_lines_stay_as_the_customer_wrote_them(admin: Admin, customer: Customer) -> None:
    zebra, ant = admin.stocks("ZEBRA-RUG"), admin.stocks("ANT-FARM")

    order = customer.buy((zebra, 1), (ant, 2))

    assert [line["sku"] for line in order["lines"]] == [zebra, ant]


@pytest.mark.core
def test_an_order_is_in_its_owners_list_and_says_the_same_there(admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks()
    first = customer.buy((armchair, 1))
    second = customer.buy((armchair, 2))

    listed = customer.orders()

    assert listed == [second, first]
    assert customer.order(first["id"]) == first


def test_a_long_list_of_orders_comes_in_pages_newest_first(admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks()
    placed = [customer.buy((armchair, 1))["id"] for _ in range(5)]

    assert [order["id"] for order in customer.orders(limit=2)] == placed[::-1]


@pytest.mark.core
def test_the_payment_can_be_read_by_who_paid(admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(price=19_900), 3))

    payment = customer.payment(order["payment_id"])

    assert {name: payment[name] for name in ("id", "order_id", "status")} == {
        "id": order["payment_id"],
        "order_id": order["id"],
        "status": "captured",
    }
    assert payment["amount"] == {"amount": 59_700, "currency": "EUR"}
    assert payment["refunded"] == {"amount": 0, "currency": "EUR"}


@pytest.mark.core
def test_what_is_out_of_stock_is_refused_and_nobody_is_charged(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair, lamp = admin.stocks("CRUNCHY-ARMCHAIR", stock=3), admin.stocks("SQUEAKY-LAMP", stock=10)

    body = expect_problem(customer.place_order((lamp, 1), (armchair, 4)), 409, "out_of_stock")

    assert armchair in body["detail"]
    order = customer.orders()[0]
    assert (order["status"], order["reason"]) == ("rejected", "out_of_stock")
    assert shop.available(armchair) == 3
    assert shop.available(lamp) == 10
    assert shop.provider.charge(order["id"]) is None


@pytest.mark.core
def test_declined_payment_gives_the_stock_back(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks("CRUNCHY-ARMCHAIR", stock=3)

    expect_problem(customer.place_order((armchair, 2), payment_method="pm_declined"), 402, "payment_declined")

    order = customer.orders()[0]
    assert (order["status"], order["reason"]) == ("rejected", "payment_declined")
    assert customer.payment(order["payment_id"])["status"] == "declined"
    until("the stock is back", lambda: shop.available(armchair) == 3)
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert charge["status"] == "declined"


def test_a_payment_method_that_the_provider_does_not_know_is_declined(admin: Admin, customer: Customer) -> None:
    answer = customer.place_order((admin.stocks(), 1), payment_method="pm_seashells")

    expect_problem(answer, 402, "payment_declined")


@pytest.mark.core
def test_a_changed_price_is_told_and_the_customer_decides(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks("CRUNCHY-ARMCHAIR", stock=5, price=19_900)
    admin.put_product(armchair, price=21_900)

    body = expect_problem(customer.place_order((armchair, 2), expected_total=39_800), 409, "price_changed")
    accepted = customer.place_order((armchair, 2), expected_total=body["total"]["amount"])

    assert body["total"] == {"amount": 43_800, "currency": "EUR"}
    assert customer.orders()[-1]["reason"] == "price_changed"
    assert expect(accepted, 201)["total"] == {"amount": 43_800, "currency": "EUR"}
    assert shop.available(armchair) == 3


def test_an_order_keeps_the_price_of_its_day(admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks("CRUNCHY-ARMCHAIR", price=19_900)
    order = customer.buy((armchair, 1))

    admin.put_product(armchair, name="Silent Armchair", price=99_900)

    assert customer.order(order["id"]) == order


@pytest.mark.core
def test_of_fifty_customers_at_once_one_gets_the_last_piece(shop: Shop, admin: Admin) -> None:
    chess_set = admin.stocks("LAST-CHESS-SET", stock=1)
    crowd = [shop.customer("eager-eddie") for _ in range(50)]

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda somebody: somebody.place_order((chess_set, 1)), crowd))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    for answer in answers:
        if answer.status_code == 409:
            expect_problem(answer, 409, "out_of_stock")
    assert shop.available(chess_set) == 0
    skus = [line["sku"] for somebody in crowd for order in somebody.orders() for line in order["lines"]
            if order["status"] == "confirmed"]  # fmt: skip
    assert skus == [chess_set]


def test_twenty_lines_are_one_order(shop: Shop, admin: Admin, customer: Customer) -> None:
    seeded = expect(shop.http.get("/products", params={"limit": 19, "category": "Furniture"}), 200)["items"]
    lines = [(admin.stocks("TOOTHPICK", stock=1, price=1), 1)] + [(item["sku"], 1) for item in seeded]

    order = expect(customer.place_order(*lines), 201)

    assert len(order["lines"]) == 20
    assert order["total"]["amount"] == 1 + sum(item["price"]["amount"] for item in seeded)


def test_a_free_product_is_sold_for_nothing(admin: Admin, customer: Customer) -> None:
    sticker = admin.stocks("FREE-STICKER", stock=5, price=0)

    order = customer.buy((sticker, 5))

    assert order["total"] == {"amount": 0, "currency": "EUR"}
