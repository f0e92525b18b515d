"""An order is placed whole or not at all, whatever the provider, the database or a second request do meanwhile."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text

from monolith import idempotency
from shared.domain.ids import new_id
from shared.platform.webhook_signature import sign
from tests.monolith_stage import SECRET, Shop, captured, declined, hangs, is_away


def tell(shop: Shop, order_id: str, outcome: str, amount: int) -> None:
    """Deliver a genuine webhook."""
    raw = (
        f'{{"id": "w", "type": "charge.{outcome}", "merchant": "monolith", "charge_key": "{order_id}",'
        f' "amount": {amount}, "currency": "EUR", "occurred_at": "now"}}'
    ).encode()
    webhooks = shop.modules.webhooks
    webhooks.receive(raw, sign(SECRET, raw, int(time.time())))


def test_a_confirmed_order_has_sold_its_stock_and_queued_one_mail(shop: Shop) -> None:
    armchair = shop.stocks("ARMCHAIR", stock=5)

    answer = shop.buy((armchair, 2))

    assert (answer.status_code, answer.json["status"]) == (201, "confirmed")
    assert answer.headers["Location"] == f"/orders/{answer.json['id']}"
    assert shop.stock_of(armchair) == (3, 0, 2)
    assert shop.rows("SELECT kind, status FROM notifications") == [("order_confirmed", "queued")]


def test_placing_an_order_takes_two_commits(shop: Shop) -> None:
    armchair = shop.stocks("ARMCHAIR")
    statements: list[str] = []
    event.listen(shop.database.engine, "before_cursor_execute", lambda *details: statements.append(details[2]))

    shop.buy((armchair, 1))

    assert statements.count("BEGIN") == statements.count("COMMIT") == 2
    assert len(statements) == 14


def test_no_transaction_is_open_while_the_provider_thinks(shop: Shop) -> None:
    armchair = shop.stocks("ARMCHAIR")
    open_ones: list[Any] = []

    def look(body: dict[str, Any]) -> httpx.Response:
        open_ones.extend(shop.rows("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"))
        return captured(body)

    shop.provider.charge = look
    shop.buy((armchair, 1))

    assert open_ones == []


def test_a_declined_payment_gives_the_stock_back(shop: Shop) -> None:
    armchair, shop.provider.charge = shop.stocks("ARMCHAIR", stock=5), declined

    answer = shop.buy((armchair, 2))

    assert (answer.status_code, answer.json["code"]) == (402, "payment_declined")
    assert shop.stock_of(armchair) == (5, 0, 0)
    assert shop.rows("SELECT status, reason FROM orders") == [("rejected", "payment_declined")]
    assert shop.rows("SELECT kind FROM notifications") == []


@pytest.mark.parametrize("silence", [hangs, is_away, lambda _: httpx.Response(500), lambda _: httpx.Response(200)])
def test_a_charge_without_an_answer_is_pending_and_settled_later(shop: Shop, silence: Any) -> None:
    armchair, key, shop.provider.charge = shop.stocks("ARMCHAIR", stock=5), new_id(), silence
    first = shop.buy((armchair, 2), key=key)
    waiting = shop.buy((armchair, 2), key=key)
    shop.provider.charge = captured
    shop.settle()

    settled, again = shop.buy((armchair, 2), key=key), shop.buy((armchair, 2), key=key)

    assert (first.status_code, waiting.status_code, settled.status_code) == (202, 202, 201)
    assert first.json["status"] == waiting.json["status"] == "payment_pending"
    assert settled.json["status"] == "confirmed"
    assert again.data == settled.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert {charge["key"] for charge in shop.provider.charged} == {first.json["id"]}
    assert shop.stock_of(armchair) == (3, 0, 2)
    assert shop.rows("SELECT kind FROM notifications ORDER BY id") == [("payment_pending",), ("order_confirmed",)]


def test_a_late_decline_tells_the_customer(shop: Shop) -> None:
    armchair, key, shop.provider.charge = shop.stocks("ARMCHAIR"), new_id(), hangs
    shop.buy((armchair, 2), key=key)
    shop.provider.charge = declined
    shop.settle()

    assert shop.buy((armchair, 2), key=key).status_code == 402
    assert shop.stock_of(armchair) == (10, 0, 0)
    assert shop.rows("SELECT kind FROM notifications ORDER BY id") == [("payment_pending",), ("order_rejected",)]


def test_a_decline_after_the_loop_has_made_the_order_pending_tells_the_customer(shop: Shop) -> None:
    armchair = shop.stocks("ARMCHAIR")

    def loop_is_faster(body: dict[str, Any]) -> httpx.Response:
        shop.provider.charge = hangs
        shop.settle()
        return declined(body)

    shop.provider.charge = loop_is_faster
    answer = shop.buy((armchair, 2))

    assert answer.status_code == 402
    assert shop.rows("SELECT kind FROM notifications ORDER BY id") == [("payment_pending",), ("order_rejected",)]


def test_a_webhook_faster_than_the_answer_changes_nothing_for_the_customer(shop: Shop) -> None:
    armchair, key = shop.stocks("ARMCHAIR", price=500), new_id()

    def webhook_first(body: dict[str, Any]) -> httpx.Response:
        tell(shop, body["key"], "captured", 1000)
        return captured(body)

    shop.provider.charge = webhook_first
    answer = shop.buy((armchair, 2), key=key)

    assert (answer.status_code, answer.json["status"]) == (201, "confirmed")
    assert "Idempotent-Replayed" not in answer.headers
    assert shop.buy((armchair, 2), key=key).data == answer.data
    assert shop.stock_of(armchair) == (8, 0, 2)
    assert shop.rows("SELECT kind FROM notifications") == [("order_confirmed",)]


def test_a_webhook_with_another_amount_is_not_believed(shop: Shop) -> None:
    armchair, shop.provider.charge = shop.stocks("ARMCHAIR", price=500), hangs
    order = shop.buy((armchair, 2)).json

    tell(shop, order["id"], "captured", 1)

    assert shop.rows("SELECT status FROM payments") == [("pending",)]


def test_a_capture_that_shows_up_after_the_rejection_is_refunded_in_full(shop: Shop) -> None:
    armchair, shop.provider.charge = shop.stocks("ARMCHAIR", price=500), hangs
    order = shop.buy((armchair, 2)).json
    shop.change("UPDATE payments SET created_at = now() - interval '1 hour'")
    shop.settle()
    assert shop.rows("SELECT status, reason FROM orders") == [("rejected", "payment_voided")]

    for _ in range(2):
        tell(shop, order["id"], "captured", 1000)
    shop.settle()

    assert [(refund["refund_key"], refund["amount"]) for refund in shop.provider.refunded] == [
        (f"late-{order['id']}", 1000)
    ]
    assert shop.rows("SELECT captured, refunded FROM v_payments") == [(1000, 1000)]
    assert shop.rows("SELECT * FROM v_unfinished WHERE kind <> 'job'") == []


def test_what_a_crash_left_placed_is_carried_on(shop: Shop) -> None:
    armchair, key = shop.stocks("ARMCHAIR"), new_id()

    def crashes(_: dict[str, Any]) -> httpx.Response:
        raise KeyboardInterrupt

    shop.provider.charge = crashes
    with pytest.raises(KeyboardInterrupt):
        shop.buy((armchair, 2), key=key)
    in_flight = shop.buy((armchair, 2), key=key)
    shop.provider.charge = hangs
    shop.settle()
    pending = shop.buy((armchair, 2), key=key)
    shop.provider.charge = captured
    shop.settle()

    assert (in_flight.status_code, in_flight.json["code"]) == (409, "request_in_flight")
    assert pending.status_code == 202
    assert shop.buy((armchair, 2), key=key).status_code == 201


def test_the_same_request_twice_at_once_is_one_order(shop: Shop) -> None:
    armchair, key = shop.stocks("ARMCHAIR"), new_id()
    second: list[int] = []

    def meanwhile(body: dict[str, Any]) -> httpx.Response:
        second.append(shop.buy((armchair, 1), key=key).status_code)
        return captured(body)

    shop.provider.charge = meanwhile
    first = shop.buy((armchair, 1), key=key)

    assert (first.status_code, second) == (201, [409])
    assert len(shop.provider.charged) == 1


def test_connections_cut_between_the_transactions_go_unnoticed(shop: Shop) -> None:
    armchair = shop.stocks("ARMCHAIR")

    def cut(body: dict[str, Any]) -> httpx.Response:
        cut_all_but_own(shop)
        return captured(body)

    shop.provider.charge = cut

    assert shop.buy((armchair, 1)).status_code == 201


def test_a_connection_cut_before_the_commit_leaves_nothing_and_the_key_free(shop: Shop) -> None:
    armchair, key = shop.stocks("ARMCHAIR"), new_id()

    with shop.database.transaction() as holds_the_row:
        holds_the_row.execute(text("SELECT * FROM stock FOR UPDATE"))
        answers: list[Any] = []
        waits = threading.Thread(target=lambda: answers.append(shop.buy((armchair, 1), key=key)))
        waits.start()
        until_somebody_waits_for_a_lock(shop)
        cut_those_who_wait(shop)
        waits.join()

    assert (answers[0].status_code, answers[0].json["code"]) == (503, "unavailable")
    assert answers[0].headers["Retry-After"]
    assert shop.rows("SELECT id FROM orders") == []
    assert shop.rows("SELECT key FROM idempotency_keys WHERE owner = 'ada'") == []
    assert shop.buy((armchair, 1), key=key).status_code == 201


def test_a_database_lost_after_the_charge_is_an_unknown_outcome(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    armchair, key = shop.stocks("ARMCHAIR"), new_id()
    execute = shop.modules.payments.record_result

    def cut_first(connection: Any, result: Any) -> Any:
        cut_all_but_own(shop)
        return execute(connection, result)

    monkeypatch.setattr(shop.modules.payments, "record_result", cut_first)
    lost = shop.buy((armchair, 1), key=key)
    monkeypatch.undo()
    shop.settle()

    assert (lost.status_code, lost.json["code"]) == (504, "deadline_exceeded")
    assert shop.buy((armchair, 1), key=key).status_code == 201


def test_a_database_lost_during_a_replay_does_not_deny_the_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    armchair, key = shop.stocks("ARMCHAIR"), new_id()
    first = shop.buy((armchair, 1), key=key)
    find = idempotency.find

    def cut_first(*key_of: Any) -> Any:
        cut_all_but_own(shop)
        return find(*key_of)

    monkeypatch.setattr(idempotency, "find", cut_first)
    lost = shop.buy((armchair, 1), key=key)
    monkeypatch.undo()

    assert (lost.status_code, lost.json["code"]) == (504, "deadline_exceeded")
    assert shop.buy((armchair, 1), key=key).data == first.data


def cut_all_but_own(shop: Shop) -> None:
    shop.change("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND application_name = 'monolith'
    """)


def cut_those_who_wait(shop: Shop) -> None:
    shop.change("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


def until_somebody_waits_for_a_lock(shop: Shop) -> None:
    give_up_at = time.monotonic() + 5
    while not shop.rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
