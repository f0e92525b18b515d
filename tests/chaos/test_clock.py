"""A clock that is an hour off: whom it shuts out, and that nothing is given up, lost or paid twice for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.faults import during
from loadtests.measure.reconcile import tell
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.books import reconciled
from tests.journeys.shop import Admin, Shop, new_key, order_body
from tests.journeys.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.long]
LATE = {"s": 30 * 24 * 3600.0}  # a month: no token lives that long


def test_a_late_clock_of_payments_leaves_orders_pending_in_the_services_and_shuts_customers_out_of_a_monolith(
    arm: Arm, shop: Shop, admin: Admin, tmp_path: Path
) -> None:
    sku, customer = admin.stocks("CLOCK", stock=9), shop.customer()
    witness = Witness(tmp_path / "orders.jsonl")

    with during(arm.runner, "clock-off", "payments", LATE):
        until("the shop answers", lambda: shop.http.get("/products").status_code == 200, within_s=20)
        order = witness.ask("place", customer, "/orders", order_body((sku, 1)), new_key())

    until("the shop answers", lambda: customer.get("/orders").status_code == 200, within_s=20)
    witness.close()
    if arm.name == "microservices":  # payments believes no token of the orders service any more
        assert order.status == 202
        customer.order_becomes(order.order_id, "confirmed", within_s=30)
    else:
        assert (order.status, order.code) == (401, "unauthenticated")
    outcome = reconciled(arm, tmp_path / "orders.jsonl")
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])


def test_a_pending_payment_is_not_given_up_because_a_clock_jumps(
    arm: Arm, shop: Shop, admin: Admin, tmp_path: Path
) -> None:
    sku, customer = admin.stocks("CLOCK", stock=9), shop.customer()
    witness = Witness(tmp_path / "orders.jsonl")
    order = witness.ask(
        "place", customer, "/orders", order_body((sku, 1), payment_method="pm_timeout_silent"), new_key()
    )
    assert order.status == 202

    with during(arm.runner, "clock-off", "orders", {"s": 1800.0}):  # twice as long as payments may stay unknown
        until("the shop answers", lambda: customer.get("/orders").status_code == 200, within_s=20)
        customer.order_becomes(order.order_id, "confirmed", within_s=40)

    until("the shop answers", lambda: customer.get("/orders").status_code == 200, within_s=20)
    witness.close()
    outcome = reconciled(arm, tmp_path / "orders.jsonl")
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])
