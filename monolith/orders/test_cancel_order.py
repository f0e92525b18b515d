"""A cancellation gives back the money first and then the stock, each exactly once."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import NotCancellable
from shared.domain.ids import new_id
from tests.monolith_stage import Shop, hangs, is_away, refuses


def bought(shop: Shop, quantity: int = 2, price: int = 500) -> dict[str, Any]:
    """Buy some armchairs, of which there are ten."""
    order: dict[str, Any] = shop.buy((shop.stocks("ARMCHAIR", stock=10, price=price), quantity)).json
    return order


def test_a_cancelled_order_gives_money_and_stock_back(shop: Shop) -> None:
    order = bought(shop)

    answer = shop.ask("POST", f"/orders/{order['id']}/cancel")

    assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
    assert shop.provider.refunded == [{"refund_key": f"cancel-{order['id']}", "amount": 1000}]
    assert shop.stock_of("ARMCHAIR") == (10, 0, 0)
    assert shop.rows("SELECT kind FROM notifications ORDER BY id") == [("order_confirmed",), ("order_cancelled",)]


def test_cancelling_twice_answers_the_same_and_refunds_once(shop: Shop) -> None:
    order = bought(shop)

    first, second = (shop.ask("POST", f"/orders/{order['id']}/cancel") for _ in range(2))

    assert (second.status_code, second.data) == (200, first.data)
    assert len(shop.provider.refunded) == 1
    assert shop.stock_of("ARMCHAIR") == (10, 0, 0)


@pytest.mark.parametrize("silence", [hangs, is_away])
def test_an_unknown_refund_is_cancelling_and_finished_later(shop: Shop, silence: Any) -> None:
    order, refund = bought(shop), shop.provider.refund
    shop.provider.refund = silence
    waiting = [shop.ask("POST", f"/orders/{order['id']}/cancel") for _ in range(2)]
    sold_meanwhile = shop.stock_of("ARMCHAIR")
    shop.provider.refund = refund
    shop.settle()
    shop.settle()

    final = shop.ask("POST", f"/orders/{order['id']}/cancel")

    assert [(answer.status_code, answer.json["status"]) for answer in waiting] == [(202, "cancelling")] * 2
    assert sold_meanwhile == (8, 0, 2)
    assert (final.status_code, final.json["status"]) == (200, "cancelled")
    assert shop.stock_of("ARMCHAIR") == (10, 0, 0)


def test_a_refund_that_the_provider_refuses_leaves_the_order_open_and_is_told_to_the_operator(shop: Shop) -> None:
    order, refund = bought(shop), shop.provider.refund
    shop.provider.refund = refuses
    refused = shop.ask("POST", f"/orders/{order['id']}/cancel")
    shop.settle()
    again = shop.ask("POST", f"/orders/{order['id']}/cancel")
    open_work = shop.rows("SELECT kind, state FROM v_unfinished WHERE kind <> 'job' ORDER BY kind")
    metrics = shop.ask("GET", "/metrics").text

    shop.provider.refund = refund
    shop.settle()

    assert [(answer.status_code, answer.json["status"]) for answer in (refused, again)] == [(202, "cancelling")] * 2
    assert open_work == [("order", "cancelling"), ("refund", "pending")]
    assert "refunds_refused_total 2.0" in metrics
    assert shop.ask("GET", f"/orders/{order['id']}").json["status"] == "cancelled"
    assert shop.rows("SELECT refunded FROM v_payments") == [(1000,)]


def test_only_what_admin_refunds_have_left_goes_back(shop: Shop) -> None:
    order = bought(shop)
    refund = {"amount": {"amount": 300}}
    shop.ask("POST", f"/payments/{order['payment_id']}/refunds", refund, who="admin", key=new_id())

    shop.ask("POST", f"/orders/{order['id']}/cancel")

    assert [refund["amount"] for refund in shop.provider.refunded] == [300, 700]
    assert shop.rows("SELECT refunded, refunded_by_admin FROM v_payments") == [(1000, 300)]


def test_what_is_refunded_in_full_is_cancelled_without_a_call(shop: Shop) -> None:
    order = bought(shop)
    refund = {"amount": {"amount": 1000}}
    shop.ask("POST", f"/payments/{order['payment_id']}/refunds", refund, who="admin", key=new_id())
    shop.provider.refund = is_away

    answer = shop.ask("POST", f"/orders/{order['id']}/cancel")

    assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
    assert shop.rows("SELECT * FROM v_unfinished WHERE kind <> 'job'") == []


def test_after_the_window_it_is_too_late_by_the_database_clock(shop: Shop) -> None:
    order = bought(shop)
    shop.change("UPDATE orders SET created_at = now() - interval '31 minutes'")

    answer = shop.ask("POST", f"/orders/{order['id']}/cancel")

    assert (answer.status_code, answer.json["code"]) == (409, NotCancellable.code)
    assert shop.provider.refunded == []


def test_a_pending_order_is_not_cancelled(shop: Shop) -> None:
    shop.provider.charge = hangs
    order = bought(shop)

    assert shop.ask("POST", f"/orders/{order['id']}/cancel").json["code"] == NotCancellable.code


def test_somebody_elses_order_is_not_there(shop: Shop) -> None:
    order = bought(shop)

    assert shop.ask("POST", f"/orders/{order['id']}/cancel", who="bob").status_code == 404
    assert shop.ask("POST", f"/orders/{order['id']}/cancel", who="admin").status_code == 404
