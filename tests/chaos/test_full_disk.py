"""A database that takes no writes, full or read-only: what still works beside it, and that the books close after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.faults import during
from loadtests.measure.reconcile import tell
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.books import reconciled
from tests.journeys.shop import Admin, Shop, new_key, order_body

pytestmark = [pytest.mark.fault, pytest.mark.long]


def is_shared(arm: Arm, one: str, other: str) -> bool:
    """Whether two modules keep their data in one database."""
    return arm.database_of(one) == arm.database_of(other)


@pytest.mark.parametrize("fault", ["disk-full", "read-only"])
@pytest.mark.parametrize("full", ["payments", "catalog", "orders", "notifications"])
def test_what_writes_nothing_to_that_database_goes_on_and_afterwards_the_books_close(
    arm: Arm, shop: Shop, admin: Admin, tmp_path: Path, full: str, fault: str
) -> None:
    sku, customer, key = admin.stocks("DISK", stock=9), shop.customer(), new_key()
    witness, body = Witness(tmp_path / "orders.jsonl"), order_body((sku, 1))
    earlier = witness.ask("place", customer, "/orders", body, new_key())
    waiting = witness.ask("place", customer, "/orders", order_body((sku, 1), payment_method="pm_timeout"), new_key())
    assert (earlier.status, waiting.status) == (201, 202)

    with during(arm.runner, fault, arm.database_of(full)):
        read = [shop.http.get("/products"), shop.http.get(f"/products/{sku}"), customer.get("/orders"),
                customer.get(f"/orders/{earlier.order_id}"), customer.get("/notifications")]  # fmt: skip
        order = witness.ask("place", customer, "/orders", body, key)
        cancel = witness.ask("cancel", customer, f"/orders/{earlier.order_id}/cancel", None, "", earlier.order_id)
    again = witness.ask("place", customer, "/orders", body, key)
    cancelled = witness.ask("cancel", customer, f"/orders/{earlier.order_id}/cancel", None, "", earlier.order_id)

    assert {answer.status_code for answer in read} == {200}
    if is_shared(arm, full, "orders") or full == "catalog":
        assert (order.status, order.code) == (503, "unavailable")
        assert again.status == 201  # nothing was done, so that the key is free
    elif full == "payments":
        assert order.status == 202  # taken, and paid for later
        customer.order_becomes(order.order_id, "confirmed", within_s=40)
    else:
        assert order.status == 201
        customer.is_told(order.order_id, "order_confirmed", within_s=30)
    assert cancel.status == (503 if is_shared(arm, full, "orders") else 202 if full == "payments" else 200)
    assert cancelled.status in (200, 202)
    witness.close()
    outcome = reconciled(arm, tmp_path / "orders.jsonl")
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])
