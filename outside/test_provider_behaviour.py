"""What the provider does to its callers on purpose, and how it answers what it cannot use."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from outside.conftest import Merchant, OutsidePart
from outside.provider.behaviour import Behaviour


@pytest.mark.parametrize(
    ("method", "status", "reason"),
    [
        ("pm_ok", "captured", None),
        ("pm_declined", "declined", "card_declined"),
        ("pm_gold_bar", "declined", "unknown_payment_method"),
    ],
)
def test_a_payment_method_decides(merchant: Merchant, method: str, status: str, reason: str | None) -> None:
    body = merchant.charge("order-1", method).json()

    assert (body["status"], body.get("reason")) == (status, reason)


def test_a_slow_payment_is_captured_after_a_second(merchant: Merchant) -> None:
    started = time.monotonic()

    body = merchant.charge("order-1", "pm_slow").json()

    assert body["status"] == "captured"
    assert 0.9 < time.monotonic() - started < 3


@pytest.mark.parametrize("method", ["pm_timeout", "pm_timeout_silent"])
def test_a_timeout_has_taken_the_money_and_the_next_attempt_says_so(merchant: Merchant, method: str) -> None:
    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", method, timeout=0.4)

    assert merchant.ledger()["order-1"]["status"] == "captured"
    again = merchant.charge("order-1", method)
    assert again.json()["status"] == "captured"
    assert merchant.ledger()["order-1"]["attempts"] == 2


def test_a_lost_charge_takes_no_money_until_it_is_sent_again(merchant: Merchant) -> None:
    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", "pm_lost", timeout=0.4)

    assert merchant.http.get("/charges/order-1").status_code == 404
    assert merchant.ledger()["order-1"]["status"] == "undecided"
    assert merchant.charge("order-1", "pm_lost").json()["status"] == "captured"


def test_a_lost_charge_can_be_voided_for_good(merchant: Merchant) -> None:
    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", "pm_lost", timeout=0.4)

    assert merchant.http.post("/charges/order-1/void").json()["status"] == "voided"
    assert merchant.charge("order-1", "pm_lost").json()["status"] == "voided"


def test_a_late_decline_hangs_first(merchant: Merchant) -> None:
    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", "pm_late_decline", timeout=0.4)

    assert merchant.charge("order-1", "pm_late_decline").json()["status"] == "declined"


def test_a_hanging_provider_answers_no_call_and_takes_no_money(merchant: Merchant) -> None:
    merchant.charge("order-0")
    merchant.behave(hang=True)

    calls: list[Callable[[], Any]] = [
        lambda: merchant.charge("order-1", timeout=0.3),
        lambda: merchant.refund("order-0", "r-1", 1, timeout=0.3),
        lambda: merchant.http.get("/charges/order-0", timeout=0.3),
        lambda: merchant.http.post("/charges/order-0/void", timeout=0.3),
    ]
    for call in calls:
        with pytest.raises(httpx.ReadTimeout):
            call()
    merchant.control.post("/heal")

    ledger = merchant.ledger()
    assert (ledger["order-1"]["status"], ledger["order-0"]["refunds"]) == ("undecided", [])
    assert merchant.charge("order-1").json()["status"] == "captured"


def test_errors_are_errors_and_leave_nothing_behind(merchant: Merchant) -> None:
    merchant.behave(error_share=1.0)

    answer = merchant.charge("order-1")

    assert (answer.status_code, answer.json()["code"]) == (500, "provider_error")
    assert merchant.ledger()["order-1"]["status"] == "undecided"
    assert merchant.ledger()["order-1"]["attempts"] == 1


def test_a_share_of_charges_is_declined(merchant: Merchant) -> None:
    merchant.behave(decline_share=0.5, latency_ms={"median": 0})

    outcomes = Counter(merchant.charge(f"order-{number}").json()["status"] for number in range(200))

    assert set(outcomes) == {"captured", "declined"}
    assert 60 < outcomes["declined"] < 140


def test_charge_but_time_out_takes_the_money(merchant: Merchant) -> None:
    merchant.behave(charge_but_time_out_share=1.0)

    with pytest.raises(httpx.ReadTimeout):
        merchant.charge("order-1", timeout=0.4)

    assert merchant.ledger()["order-1"]["status"] == "captured"
    assert merchant.charge("order-1").json()["status"] == "captured"


def test_refund_but_time_out_gives_the_money_back_once(merchant: Merchant) -> None:
    merchant.charge("order-1", amount=100)
    merchant.behave(refund_but_time_out_share=1.0)

    with pytest.raises(httpx.ReadTimeout):
        merchant.refund("order-1", "r-1", 100, timeout=0.4)
    merchant.control.post("/heal")

    assert merchant.refund("order-1", "r-1", 100).json()["refunded_total"] == 100
    assert merchant.ledger()["order-1"]["refunds"] == [{"refund_key": "r-1", "amount": 100}]


def test_behaviour_changes_field_by_field_and_heals(merchant: Merchant) -> None:
    merchant.behave(latency_ms={"median": 7}, webhook={"mode": "never"})
    merchant.behave(decline_share=0.25, webhook={"delay_ms": 50})

    changed = merchant.control.get("/behaviour").json()
    healed = merchant.control.post("/heal").json()

    assert changed["latency_ms"] == {"median": 7, "sigma": 0.3}
    assert changed["decline_share"] == 0.25
    assert changed["webhook"] == {"mode": "never", "delay_ms": 50, "duplicates": 0, "shuffle": False}
    assert healed == Behaviour().model_dump()


def test_latency_has_the_median_and_the_spread_that_were_asked_for() -> None:
    behaviour = Behaviour().changed({"latency_ms": {"median": 80, "sigma": 0.5}})
    rng = random.Random(1)

    sample = [behaviour.latency_s(rng) for _ in range(20_000)]

    assert statistics.median(sample) == pytest.approx(0.080, rel=0.03)
    assert statistics.stdev(map(math.log, sample)) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_body"),
        (b"\xff\xfe", 400, "malformed_body"),
        (b"", 422, "invalid_request"),
        (b"[]", 422, "invalid_request"),
        (b'{"key":"k","amount":0,"currency":"EUR","payment_method":"pm_ok"}', 422, "invalid_request"),
        (b'{"key":"k","amount":-5,"currency":"EUR","payment_method":"pm_ok"}', 422, "invalid_request"),
        (b'{"key":"k","amount":"5","currency":"EUR","payment_method":"pm_ok"}', 422, "invalid_request"),
        (b'{"key":"k","amount":1.5,"currency":"EUR","payment_method":"pm_ok"}', 422, "invalid_request"),
        (b'{"key":"k","amount":5,"currency":"euro","payment_method":"pm_ok"}', 422, "invalid_request"),
        (b'{"key":"a/b","amount":5,"currency":"EUR","payment_method":"pm_ok"}', 422, "invalid_request"),
        (
            b'{"key":"k","amount":5,"currency":"EUR","payment_method":"pm_ok","tip":1}',
            422,
            "invalid_request",
        ),
        (b'{"key":"' + b"k" * 70_000 + b'"}', 413, "body_too_large"),
    ],
)
def test_bad_charges_get_a_clear_refusal(merchant: Merchant, body: bytes, status: int, code: str) -> None:
    answer = merchant.http.post("/charges", content=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]
    assert merchant.ledger() == {}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer key-other", "Basic abc", "Bearer \u00e9"])
def test_a_call_without_the_merchants_key_is_refused(merchant: Merchant, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}

    answer = merchant.provider.http.get(f"{merchant.http.base_url}charges/order-1", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "patch",
    [
        {"decline_share": 1.1},
        {"decline_share": "many"},
        {"latency_ms": 5},
        {"latency_ms": {"median": -1}},
        {"webhook": {"mode": "sometimes"}},
        {"wrath": True},
        {"hang": None},
    ],
)
def test_impossible_behaviour_is_refused_and_changes_nothing(merchant: Merchant, patch: dict[str, Any]) -> None:
    before = merchant.control.get("/behaviour").json()

    answer = merchant.control.put("/behaviour", json=patch)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert merchant.control.get("/behaviour").json() == before


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/control/NOT%20A%20NAME/ledger", 404, "not_found"),
        ("DELETE", "/control/some/behaviour", 405, "method_not_allowed"),
        ("POST", "/control/some/webhooks/unknown/redeliver", 404, "not_found"),
        ("PUT", "/control/some/webhook", 422, "invalid_request"),
    ],
)
def test_what_does_not_exist_is_said_in_json(
    provider: OutsidePart, method: str, path: str, status: int, code: str
) -> None:
    answer = provider.http.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
