"""Refunds never exceed the capture, and a refund without an answer is neither lost nor made twice."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from werkzeug.test import TestResponse

from shared.domain.ids import new_id
from tests.monolith_stage import Shop, hangs, is_away, refuses


@pytest.fixture
def payment_id(shop: Shop) -> str:
    """The payment of an order over 10.00."""
    return str(shop.buy((shop.stocks("ARMCHAIR", price=500), 2)).json["payment_id"])


def refund(shop: Shop, payment_id: str, amount: int, key: str = "", currency: str = "EUR") -> TestResponse:
    body = {"amount": {"amount": amount, "currency": currency}}
    return shop.ask("POST", f"/payments/{payment_id}/refunds", body, who="admin", key=key or new_id())


def test_the_same_key_refunds_once(shop: Shop, payment_id: str) -> None:
    key = new_id()

    first, second = refund(shop, payment_id, 300, key), refund(shop, payment_id, 300, key)

    assert (first.status_code, first.data) == (200, second.data)
    assert len(shop.provider.refunded) == 1
    assert shop.ask("GET", f"/payments/{payment_id}").json["refunded"] == {"amount": 300, "currency": "EUR"}


def test_together_refunds_stay_below_the_capture(shop: Shop, payment_id: str) -> None:
    answers: list[int] = []
    crowd = [
        threading.Thread(target=lambda: answers.append(refund(shop, payment_id, 400).status_code)) for _ in "12345"
    ]

    for somebody in crowd:
        somebody.start()
    for somebody in crowd:
        somebody.join()

    assert sorted(answers) == [200, 200, 409, 409, 409]


def test_a_provider_that_is_away_leaves_no_refund_and_the_key_free(shop: Shop, payment_id: str) -> None:
    key, works = new_id(), shop.provider.refund
    shop.provider.refund = is_away
    away = refund(shop, payment_id, 1000, key)
    shop.provider.refund = works

    assert (away.status_code, away.json["code"]) == (503, "unavailable")
    assert shop.rows("SELECT id FROM refunds") == []
    assert refund(shop, payment_id, 1000, key).status_code == 200


def test_a_refund_without_an_answer_is_finished_and_its_answer_kept(shop: Shop, payment_id: str) -> None:
    key, works = new_id(), shop.provider.refund
    shop.provider.refund = hangs
    unknown, in_flight = refund(shop, payment_id, 1000, key), refund(shop, payment_id, 1000, key)
    shop.provider.refund = works
    shop.settle()

    answer = refund(shop, payment_id, 1000, key)

    assert (unknown.status_code, in_flight.status_code, answer.status_code) == (504, 409, 200)
    assert {sent["refund_key"] for sent in shop.provider.refunded} == {answer.json["id"]}


def test_a_refund_that_the_settle_thread_has_sent_is_not_undone(shop: Shop, payment_id: str) -> None:
    key, works = new_id(), shop.provider.refund

    def frozen_until_it_is_sent_by_another(body: dict[str, Any]) -> httpx.Response:
        shop.provider.refund = hangs
        shop.settle()
        return is_away(body)

    shop.provider.refund = frozen_until_it_is_sent_by_another
    frozen, in_flight = refund(shop, payment_id, 400, key), refund(shop, payment_id, 400, key)
    shop.provider.refund = works
    shop.settle()

    assert (frozen.status_code, in_flight.status_code) == (504, 409)
    assert refund(shop, payment_id, 400, key).status_code == 200
    assert len({sent["refund_key"] for sent in shop.provider.refunded}) == 1


def test_a_refund_that_a_cancellation_counted_on_is_not_undone(shop: Shop, payment_id: str) -> None:
    ((order_id,),) = shop.rows("SELECT id FROM orders")
    works = shop.provider.refund

    def cancelled_meanwhile(body: dict[str, Any]) -> httpx.Response:
        shop.provider.refund = works
        assert shop.ask("POST", f"/orders/{order_id}/cancel").status_code == 200
        return is_away(body)

    shop.provider.refund = cancelled_meanwhile
    answer = refund(shop, payment_id, 400)
    shop.settle()

    assert answer.status_code == 504
    assert shop.rows("SELECT refunded, refunded_by_admin FROM v_payments") == [(1000, 400)]


def test_what_the_provider_refuses_is_refused_for_good(shop: Shop, payment_id: str) -> None:
    key, shop.provider.refund = new_id(), refuses

    first, second = refund(shop, payment_id, 400, key), refund(shop, payment_id, 400, key)

    assert (first.status_code, first.json["code"]) == (409, "refund_exceeds_capture")
    assert second.data == first.data


@pytest.mark.parametrize(("amount", "currency", "status"), [(1001, "EUR", 409), (0, "EUR", 409), (1, "USD", 422)])
def test_what_cannot_be_refunded(shop: Shop, payment_id: str, amount: int, currency: str, status: int) -> None:
    assert refund(shop, payment_id, amount, currency=currency).status_code == status
    assert shop.provider.refunded == []
