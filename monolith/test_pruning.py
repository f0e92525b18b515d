"""Old keys are free again, one batch at a time; what is unfinished or was finished a moment ago keeps its key."""

from __future__ import annotations

from functools import partial

import pytest

from monolith import orders
from monolith.pruning import Pruner
from shared.domain.ids import new_id
from shared.platform import pruning
from tests.monolith_stage import Shop, hangs


def pruner_of(shop: Shop) -> Pruner:
    return Pruner(shop.database, [partial(orders.prune_keys, 48)])


def make_old(shop: Shop) -> None:
    old = "now() - interval '3 days'"
    shop.change(f"UPDATE idempotency_keys SET created_at = {old}, finished_at = least(finished_at, {old})")


def refund(shop: Shop, payment_id: str, key: str) -> int:
    body = {"amount": {"amount": 100, "currency": "EUR"}}
    return shop.ask("POST", f"/payments/{payment_id}/refunds", body, who="admin", key=key).status_code


def test_an_old_key_places_a_new_order_and_the_old_one_is_still_there(shop: Shop) -> None:
    armchair = shop.stocks("ARMCHAIR")
    first = shop.buy((armchair, 1), key="key-1").json["id"]
    make_old(shop)
    pruner_of(shop).forget()

    second = shop.buy((armchair, 1), key="key-1").json["id"]

    orders = shop.rows("SELECT order_id::text, idempotency_key, status FROM v_orders")
    assert set(orders) == {(first, None, "confirmed"), (second, "key-1", "confirmed")}
    assert shop.ask("POST", f"/orders/{first}/cancel").status_code == 200


def test_old_keys_of_admins_are_forgotten_too(shop: Shop) -> None:
    payment_id = shop.buy((shop.stocks("ARMCHAIR"), 1)).json["payment_id"]
    assert refund(shop, payment_id, "refund-1") == 200
    make_old(shop)

    pruner_of(shop).forget()

    assert shop.rows("SELECT key FROM idempotency_keys") == []
    assert refund(shop, payment_id, "refund-1") == 200
    assert len(shop.provider.refunded) == 2


@pytest.mark.parametrize("status", ["payment_pending", "cancelling"])
def test_the_key_of_an_unfinished_order_is_kept(shop: Shop, status: str) -> None:
    armchair = shop.stocks("ARMCHAIR")
    if status == "payment_pending":
        shop.provider.charge = hangs
    shop.buy((armchair, 1), key="key-1")
    shop.change(f"UPDATE orders SET status = '{status}'")
    make_old(shop)

    pruner_of(shop).forget()

    assert shop.rows("SELECT key FROM idempotency_keys WHERE owner = 'ada'") == [("key-1",)]
    assert shop.rows("SELECT idempotency_key FROM orders") == [("key-1",)]


def test_the_key_of_what_waited_for_days_is_kept_until_its_end_and_after(shop: Shop) -> None:
    payment_id = shop.buy((shop.stocks("ARMCHAIR"), 1), key="key-1").json["payment_id"]
    answers = shop.provider.refund
    shop.provider.refund = hangs
    assert refund(shop, payment_id, "refund-1") == 504
    make_old(shop)
    shop.change("UPDATE idempotency_keys SET finished_at = now() WHERE key = 'key-1'")
    pruner_of(shop).forget()
    assert refund(shop, payment_id, "refund-1") == 409

    shop.provider.refund = answers
    shop.settle()
    pruner_of(shop).forget()

    assert refund(shop, payment_id, "refund-1") == 200
    assert shop.rows("SELECT key FROM idempotency_keys ORDER BY key") == [("key-1",), ("refund-1",)]


def test_a_backlog_goes_a_batch_a_sweep_and_then_there_is_rest(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    armchair = shop.stocks("ARMCHAIR", stock=0)
    for _ in range(5):
        shop.ask("POST", f"/products/{armchair}/restock", {"quantity": 1}, who="admin", key=new_id())
    make_old(shop)
    pruner, counts = pruner_of(shop), []

    for _ in range(4):
        assert not pruner.step()
        counts += shop.rows("SELECT count(*) FROM idempotency_keys")
        make_old(shop)
    shop.ask("POST", f"/products/{armchair}/restock", {"quantity": 1}, who="admin", key=new_id())
    make_old(shop)
    pruner.step()

    assert counts == [(3,), (1,), (0,), (0,)]
    assert shop.rows("SELECT count(*) FROM idempotency_keys") == [(1,)]
