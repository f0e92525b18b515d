"""Stock is never sold twice, and orders over the same products never block each other for good."""

from __future__ import annotations

import threading

from tests.monolith_stage import Shop


def at_once(shop: Shop, carts: list[list[tuple[str, int]]]) -> list[int]:
    """Place these orders at the same time and return the status codes, sorted."""
    answers: list[int] = []
    crowd = [
        threading.Thread(target=lambda at=at, cart=cart: answers.append(shop.buy(*cart, who=f"ada-{at}").status_code))
        for at, cart in enumerate(carts)
    ]
    for somebody in crowd:
        somebody.start()
    for somebody in crowd:
        somebody.join()
    return sorted(answers)


def test_the_last_unit_is_sold_once(shop: Shop) -> None:
    chess_set = shop.stocks("CHESS-SET", stock=1)

    assert at_once(shop, [[(chess_set, 1)]] * 12) == [201] + [409] * 11
    assert shop.stock_of(chess_set) == (0, 0, 1)


def test_the_same_products_in_another_order_do_not_deadlock(shop: Shop) -> None:
    lamp, rug = shop.stocks("LAMP", stock=1000), shop.stocks("RUG", stock=1000)

    answers = at_once(shop, [[(lamp, 1), (rug, 2)], [(rug, 2), (lamp, 1)]] * 8)

    assert answers == [201] * 16
    assert (shop.stock_of(lamp), shop.stock_of(rug)) == ((984, 0, 16), (968, 0, 32))


def test_one_line_too_many_reserves_nothing(shop: Shop) -> None:
    lamp, rug = shop.stocks("LAMP", stock=5), shop.stocks("RUG", stock=1)

    answer = shop.buy((lamp, 1), (rug, 2))

    assert (answer.status_code, answer.json["code"]) == (409, "out_of_stock")
    assert (shop.stock_of(lamp), shop.stock_of(rug)) == ((5, 0, 0), (1, 0, 0))
    assert shop.rows("SELECT status, reason, total FROM orders") == [("rejected", "out_of_stock", None)]


def test_another_total_than_expected_is_refused_with_the_new_one(shop: Shop) -> None:
    lamp = shop.stocks("LAMP", price=500)

    answer = shop.buy((lamp, 2), expected_total={"amount": 900})

    assert (answer.status_code, answer.json["code"]) == (409, "price_changed")
    assert answer.json["total"] == {"amount": 1000, "currency": "EUR"}
    assert shop.provider.charged == []


def test_an_unknown_product_is_named_and_leaves_nothing(shop: Shop) -> None:
    lamp = shop.stocks("LAMP")

    answer = shop.buy((lamp, 1), ("NO-SUCH-LAMP", 1), key="my-key")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["lines.1.sku"]
    assert shop.rows("SELECT id FROM orders") == []
    assert shop.buy((lamp, 1), key="my-key").status_code == 201


def test_a_price_is_the_one_of_the_time_of_the_order(shop: Shop) -> None:
    lamp = shop.stocks("LAMP", price=500)
    order = shop.buy((lamp, 1)).json
    shop.stocks("LAMP", stock=0, price=900)

    assert shop.ask("GET", f"/orders/{order['id']}").json["total"]["amount"] == 500
