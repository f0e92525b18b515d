"""Whatever is sent, how often, and all at once: one outcome for a key, and it outlives the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from outside.conftest import Merchant, OutsidePart


def test_a_charge_is_captured_and_found_again(merchant: Merchant) -> None:
    answer = merchant.charge("order-1", amount=4999)

    assert answer.status_code == 200
    body = answer.json()
    assert body == {
        "charge_id": body["charge_id"],
        "key": "order-1",
        "status": "captured",
        "amount": 4999,
        "currency": "EUR",
    }
    assert merchant.http.get("/charges/order-1").json() == body


def test_the_same_key_gets_the_same_answer_and_one_capture(merchant: Merchant) -> None:
    first = merchant.charge("order-1")

    again = merchant.charge("order-1")

    assert again.content == first.content
    assert merchant.ledger()["order-1"]["attempts"] == 2


def test_the_same_key_with_another_amount_is_refused(merchant: Merchant) -> None:
    merchant.charge("order-1", amount=100)

    other = merchant.charge("order-1", amount=101)

    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert merchant.ledger()["order-1"]["amount"] == 100


def test_a_hundred_at_once_with_one_key_make_one_capture(merchant: Merchant) -> None:
    async def all_at_once() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(headers=merchant.http.headers, limits=limits, timeout=20) as client:
            body = {"key": "order-1", "amount": 5, "currency": "EUR", "payment_method": "pm_ok"}
            url = f"{merchant.http.base_url}charges"
            return await asyncio.gather(*(client.post(url, json=body) for _ in range(100)))

    answers = asyncio.run(all_at_once())

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["charge_id"] for answer in answers}) == 1
    charge = merchant.ledger()["order-1"]
    assert (charge["status"], charge["attempts"]) == ("captured", 100)


def test_charges_and_voids_that_race_agree_on_one_outcome(merchant: Merchant) -> None:
    merchant.behave(latency_ms={"median": 10, "sigma": 1})
    keys = [f"order-{number}" for number in range(40)]

    def charge(key: str) -> str:
        return str(merchant.charge(key).json()["status"])

    def void(key: str) -> str:
        return str(merchant.http.post(f"/charges/{key}/void").json()["status"])

    with ThreadPoolExecutor(16) as pool:
        pairs = [(pool.submit(charge, key), pool.submit(void, key)) for key in keys]
        outcomes = [(charged.result(), voided.result()) for charged, voided in pairs]

    ledger = merchant.ledger()
    for key, (charged, voided) in zip(keys, outcomes, strict=True):
        assert charged == voided == ledger[key]["status"]


def test_a_voided_key_refuses_the_charge_that_comes_later(merchant: Merchant) -> None:
    voided = merchant.http.post("/charges/order-1/void")

    late = merchant.charge("order-1")

    assert (voided.status_code, voided.json()["status"]) == (200, "voided")
    assert (late.status_code, late.json()["status"]) == (200, "voided")
    assert merchant.http.get("/charges/order-1").json()["status"] == "voided"


@pytest.mark.parametrize(("method", "status"), [("pm_ok", "captured"), ("pm_declined", "declined")])
def test_a_void_that_comes_too_late_tells_what_has_happened(merchant: Merchant, method: str, status: str) -> None:
    merchant.charge("order-1", method)

    assert merchant.http.post("/charges/order-1/void").json()["status"] == status
    assert merchant.ledger()["order-1"]["status"] == status


def test_refunds_add_up_to_the_capture_and_no_further(merchant: Merchant) -> None:
    merchant.charge("order-1", amount=100)

    first = merchant.refund("order-1", "r-1", 60)
    again = merchant.refund("order-1", "r-1", 60)
    too_much = merchant.refund("order-1", "r-2", 41)
    rest = merchant.refund("order-1", "r-2", 40)

    assert first.json() == {"refund_key": "r-1", "status": "refunded", "amount": 60, "refunded_total": 60}
    assert again.content == first.content
    assert (too_much.status_code, too_much.json()["code"]) == (409, "refund_exceeds_capture")
    assert rest.json()["refunded_total"] == 100
    assert merchant.ledger()["order-1"]["refunds"] == [
        {"refund_key": "r-1", "amount": 60},
        {"refund_key": "r-2", "amount": 40},
    ]


def test_a_refund_key_with_another_amount_is_refused(merchant: Merchant) -> None:
    merchant.charge("order-1", amount=100)
    merchant.refund("order-1", "r-1", 60)

    other = merchant.refund("order-1", "r-1", 10)

    assert (other.status_code, other.json()["code"]) == (409, "key_reused")


def test_what_was_not_captured_cannot_be_refunded(merchant: Merchant) -> None:
    merchant.charge("order-1", "pm_declined")

    declined = merchant.refund("order-1", "r-1", 10)
    unknown = merchant.refund("order-2", "r-1", 10)

    assert (declined.status_code, declined.json()["code"]) == (409, "not_captured")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_merchants_do_not_see_each_other(merchant: Merchant, provider: OutsidePart) -> None:
    merchant.charge("order-1")
    other = Merchant(provider, f"{merchant.name}-b")

    assert other.http.get("/charges/order-1").status_code == 404
    other.charge("order-1", amount=7)
    other.control.delete("/ledger")

    assert other.ledger() == {}
    assert merchant.ledger()["order-1"]["amount"] == 4200
    other.close()


def test_everything_that_was_answered_outlives_a_kill(start_part: Callable[..., OutsidePart]) -> None:
    provider = start_part("provider")
    merchant = Merchant(provider, "monday")
    answered: dict[str, str] = {}
    enough = threading.Event()

    def customer(name: int) -> None:
        own = Merchant(provider, "monday")
        for number in range(100_000):
            try:
                answered[f"{name}-{number}"] = own.charge(f"{name}-{number}").json()["charge_id"]
            except httpx.TransportError:
                break
            if len(answered) > 300:
                enough.set()
        own.close()

    with ThreadPoolExecutor(8) as pool:
        for name in range(8):
            pool.submit(customer, name)
        assert enough.wait(20)
        provider.kill()
    provider.start()

    ledger = merchant.ledger()
    assert {key: ledger[key]["charge_id"] for key in answered} == answered
    assert {ledger[key]["status"] for key in answered} == {"captured"}
    some = next(iter(answered))
    assert merchant.charge(some).json()["charge_id"] == answered[some]
    merchant.close()
