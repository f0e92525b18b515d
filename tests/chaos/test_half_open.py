"""Connections to the broker fall silent without a word, as when a firewall forgets them: new ones are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.faults import connections, during
from loadtests.measure.reconcile import tell
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.books import reconciled
from tests.journeys.shop import Admin, Shop, new_key, order_body
from tests.journeys.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.long]
TARGETS = ("catalog:nats", "orders:nats", "payments:nats", "notifications:nats")
GOES_ON_WITHIN_S = 40.0


@pytest.mark.parametrize("target", TARGETS)
def test_the_shop_goes_on_while_its_old_connections_stay_silent(
    arm: Arm, shop: Shop, admin: Admin, tmp_path: Path, target: str
) -> None:
    if not arm.has_broker:
        pytest.skip(f"{arm.name} has no broker")
    witness, sku = Witness(tmp_path / "orders.jsonl"), admin.stocks("SILENT-BELL", stock=500)

    def sells() -> bool:
        return witness.ask("place", shop.customer(), "/orders", order_body((sku, 1)), new_key()).status == 201

    with connections.leading(arm.runner, [target]):
        until("the shop sells before", sells)
        with during(arm.runner, "tcp-half-open", target, {"first": 1}):
            until("the shop sells on", sells, GOES_ON_WITHIN_S)
            witness.close()
            outcome = reconciled(arm, tmp_path / "orders.jsonl")  # all is told, mailed and booked meanwhile

    assert outcome.is_clean, "\n".join(tell(outcome)[:60])
