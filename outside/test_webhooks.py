"""Webhooks tell what the caller did not hear: signed anew, late, twice, out of order, and until they are taken."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from outside.conftest import Merchant, OutsidePart, WebhookInbox, free_port
from outside.provider import charges
from outside.provider.behaviour import Behaviour
from outside.provider.webhook_sender import WebhookSender, event_of
from outside.storage import Storage
from shared.platform import webhook_signature


def test_a_charge_whose_answer_was_taken_has_no_webhook(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.charge("order-1")
    merchant.refund("order-1", "r-1", 5)

    time.sleep(0.5)
    assert inbox.deliveries == []


def test_a_timeout_is_told_a_second_after_the_caller_hung_up(merchant: Merchant, inbox: WebhookInbox) -> None:
    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", "pm_timeout", amount=4999, timeout=0.4)
    hung_up_at = time.time()

    webhook = inbox.wait_for(1)[0]

    assert 0.7 < webhook.at_s - hung_up_at < 3
    body = json.loads(webhook.body)
    assert body == {
        "id": body["id"],
        "type": "charge.captured",
        "merchant": merchant.name,
        "charge_key": "order-1",
        "amount": 4999,
        "currency": "EUR",
        "occurred_at": body["occurred_at"],
    }
    assert webhook_signature.is_genuine("hush", webhook.body, webhook.signature, time.time())


def test_a_late_decline_is_told(merchant: Merchant, inbox: WebhookInbox) -> None:
    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", "pm_late_decline", timeout=0.4)

    assert json.loads(inbox.wait_for(1)[0].body)["type"] == "charge.declined"


@pytest.mark.parametrize("method", ["pm_timeout_silent", "pm_lost"])
def test_a_silent_timeout_is_never_told(merchant: Merchant, inbox: WebhookInbox, method: str) -> None:
    merchant.behave(webhook={"mode": "always"})

    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", method, timeout=0.3)

    time.sleep(1.6)
    assert inbox.deliveries == []


def test_a_slow_answer_that_nobody_waited_for_is_told(merchant: Merchant, inbox: WebhookInbox) -> None:
    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", "pm_slow", timeout=0.3)

    assert json.loads(inbox.wait_for(1)[0].body)["type"] == "charge.captured"


def test_a_refund_whose_answer_was_lost_is_told_with_its_key(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.charge("order-1", amount=100)
    merchant.behave(refund_but_time_out_share=1.0)

    with pytest.raises(httpx.ReadTimeout):
        merchant.refund("order-1", "r-1", 30, timeout=0.3)

    body = json.loads(inbox.wait_for(1)[0].body)
    assert (body["type"], body["refund_key"], body["amount"]) == ("refund.succeeded", "r-1", 30)


def test_mode_always_tells_each_outcome_once(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.behave(webhook={"mode": "always"})

    merchant.charge("order-1")
    merchant.charge("order-1")
    merchant.charge("order-2", "pm_declined")

    inbox.wait_for(2)
    time.sleep(0.3)
    types = Counter(json.loads(webhook.body)["type"] for webhook in inbox.deliveries)
    assert types == {"charge.captured": 1, "charge.declined": 1}


def test_mode_never_tells_nothing(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.behave(webhook={"mode": "never"})

    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", "pm_timeout", timeout=0.3)

    time.sleep(1.6)
    assert inbox.deliveries == []


def test_a_refused_webhook_comes_again_with_the_same_body_and_its_own_signature(
    merchant: Merchant, inbox: WebhookInbox
) -> None:
    inbox.statuses = [500, 404, 302]
    merchant.behave(webhook={"mode": "always"})

    merchant.charge("order-1")
    tries = inbox.wait_for(4)

    assert len({each.body for each in tries}) == 1
    assert len({each.signature for each in tries}) > 1
    waits = [later.at_s - earlier.at_s for earlier, later in itertools.pairwise(tries)]
    assert waits[0] < waits[1] < waits[2]  # backs off
    for each in tries:
        assert webhook_signature.is_genuine("hush", each.body, each.signature, each.at_s)


def test_webhooks_come_late_and_more_than_once_when_told_to(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.behave(webhook={"mode": "always", "delay_ms": 600, "duplicates": 2})
    started = time.time()

    merchant.charge("order-1")

    copies = inbox.wait_for(3)
    assert min(each.at_s for each in copies) - started >= 0.6
    assert len({each.body for each in copies}) == 1


def test_webhooks_come_out_of_order_when_told_to(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.behave(webhook={"mode": "always", "shuffle": True}, latency_ms={"median": 0})
    keys = [f"order-{number:02d}" for number in range(30)]

    for key in keys:
        merchant.charge(key)

    came = [json.loads(each.body)["charge_key"] for each in inbox.wait_for(30)]
    assert sorted(came) == keys
    assert came != keys


def test_a_webhook_can_be_sent_again_by_hand(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.charge("order-1", amount=100)
    merchant.refund("order-1", "r-1", 30)

    queued = merchant.control.post("/webhooks/order-1/redeliver", json={"copies": 2})

    assert (queued.status_code, queued.json()) == (202, {"queued": 4})
    types = Counter(json.loads(each.body)["type"] for each in inbox.wait_for(4))
    assert types == {"charge.captured": 2, "refund.succeeded": 2}


def test_there_is_nothing_to_redeliver_for_a_void(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.http.post("/charges/order-1/void")

    answer = merchant.control.post("/webhooks/order-1/redeliver")

    assert (answer.status_code, answer.json()["code"]) == (409, "no_event")


def test_deleting_the_ledger_calls_webhooks_back(merchant: Merchant, inbox: WebhookInbox) -> None:
    merchant.behave(webhook={"mode": "always", "delay_ms": 500})
    merchant.charge("order-1")

    merchant.control.delete("/ledger")

    time.sleep(1.0)
    assert inbox.deliveries == []
    assert merchant.ledger() == {}


def test_a_webhook_outlives_a_kill_of_the_provider(
    start_part: Callable[..., OutsidePart], own_inbox: WebhookInbox
) -> None:
    targets = json.dumps({"monday": {"url": own_inbox.url, "secret": "hush"}})
    provider = start_part("provider", WEBHOOKS=targets)
    merchant = Merchant(provider, "monday")
    merchant.behave(webhook={"mode": "always", "delay_ms": 60_000})
    merchant.charge("order-1")

    provider.kill()
    provider.start()

    assert json.loads(own_inbox.wait_for(1)[0].body)["charge_key"] == "order-1"
    merchant.close()


def test_a_shop_that_is_away_does_not_slow_the_provider_and_is_told_later(
    merchant: Merchant, own_inbox: WebhookInbox
) -> None:
    away = f"http://127.0.0.1:{free_port()}/webhooks/payments"
    merchant.control.put("/webhook", json={"url": away, "secret": "hush"})
    merchant.behave(webhook={"mode": "always"}, latency_ms={"median": 0})

    answers = [merchant.charge(f"order-{number}").status_code for number in range(200)]  # each within 5 s

    assert set(answers) == {200}
    merchant.control.put("/webhook", json={"url": own_inbox.url, "secret": "hush"})
    own_inbox.wait_for(200, within_s=60)


def test_who_has_the_answer_may_rely_on_the_webhook(tmp_path: Path) -> None:
    async def run() -> bool:
        storage = Storage(tmp_path / "ledger.sqlite3", "")
        gateway: Any = SimpleNamespace(
            ledger=SimpleNamespace(storage=storage), webhook_sender=WebhookSender(storage, {})
        )
        request: Any = SimpleNamespace(is_disconnected=lambda: asyncio.sleep(0, False))
        event = event_of("charge.captured", "monday", "order-1", 500, "EUR")
        behaviour = Behaviour.model_validate({"webhook": {"mode": "always", "delay_ms": 60_000}})

        await charges._tell(gateway, request, behaviour, event, withheld=False)

        is_durable = storage._group is None  # nothing is written and not committed: a kill would take nothing
        await gateway.webhook_sender.stop()
        storage.close()
        return is_durable

    assert asyncio.run(run())
