"""The books of a shop that somebody else runs: orders are read back, and what is wrong with them is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from loadtests.conftest import Shop
from loadtests.measure.parties import Parties
from loadtests.measure.reconcile import Reconciliation, reconcile

TOKEN = "header:Bearer abc"


def read_back(shop: Shop, folder: Path) -> Reconciliation:
    """Buy three times, and reconcile."""
    lines = []
    for number in range(3):
        body = {"lines": [{"sku": "TRIVIAL-001", "quantity": 1 + number}], "payment_method": "pm_ok"}
        answer = httpx.post(f"{shop.url}/orders", json=body)
        call = {"kind": "place", "sent_at": 1.0, "answered_at": 2.0, "customer": "load-0", "key": f"key-{number}"}
        call |= {"body": body, "order_id": answer.json()["id"], "status": answer.status_code, "code": ""}
        lines.append(json.dumps(call | {"answer": answer.text, "answered": True}) + "\n")
    orders = folder / "orders.jsonl"
    orders.write_text("".join(lines))
    return reconcile(Parties.elsewhere(shop.url, TOKEN), orders)[0]


def test_every_order_is_read_back_and_what_cannot_be_seen_is_not_looked_at(shop: Shop, tmp_path: Path) -> None:
    outcome = read_back(shop, tmp_path)

    assert outcome.is_clean
    assert outcome.confirmed == 3
    assert {promise for promise, count in outcome.looked_at.items() if count == 3} == {"S3", "S5", "S7", "L1"}
    assert outcome.looked_at.keys() == {"S3", "S4", "S5", "S7", "L1"}


@pytest.mark.parametrize(("fault", "promise"), [("forgetful", "S7"), ("dearer", "S3")])
def test_an_order_that_is_not_shown_or_is_shown_otherwise_is_found(
    start_shop: Callable[..., Shop], tmp_path: Path, fault: str, promise: str
) -> None:
    outcome = read_back(start_shop(fault), tmp_path)

    assert [violation.promise for violation in outcome.violations] == [promise] * 3


def test_without_a_history_nothing_is_asked() -> None:
    outcome, _ = reconcile(Parties.elsewhere("http://127.0.0.1:1", TOKEN), None)

    assert outcome.is_clean
