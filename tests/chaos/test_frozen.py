"""A replica freezes at a named point for longer than every lease; the others get on, and it loses its step, no more."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import psycopg
import pytest

from loadtests.measure.reconcile import tell
from shared.platform.failpoints import NAMES
from tests.arms import Arm
from tests.chaos.tour import SERVICE_OF, failpoints_of
from tests.chaos.traffic import Witness
from tests.journeys.books import reconciled
from tests.journeys.shop import Admin, Shop, new_key, order_body
from tests.journeys.waiting import until

FROZEN_S = 17.0  # the longest lease, that of a mail, is 15 s
CUSTOMERS = 4
SERVED_WITHIN_S = 12.0
HELD_UP_S = 7.0  # the longest that the edge needs to send the frozen replica nothing more
_OPEN = """
    SELECT count(*) > 0 FROM pg_stat_activity
    WHERE state = 'idle in transaction' AND state_change < clock_timestamp() - interval '90 ms'
"""


class Crowd:
    """Customers who order and cancel, and an admin who refunds, as long as it lasts. Each tries again once."""

    def __init__(self, shop: Shop, admin: Admin, sku: str, witness: Witness) -> None:
        self._shop, self._admin, self._sku, self._witness = shop, admin, sku, witness
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._shopping, args=(number,), daemon=True) for number in range(CUSTOMERS)
        ]
        self.served = 0

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _shopping(self, number: int) -> None:
        customer = self._shop.customer("frozen-frida")
        while not self._over.wait(0.2):
            body, key = order_body((self._sku, 1)), new_key()
            for _ in "12":
                order = self._witness.ask("place", customer, "/orders", body, key)
                if order.status == 201:
                    break
            if order.status != 201:
                continue
            self.served += 1
            if number % 2:
                self._witness.ask("cancel", customer, f"/orders/{order.order_id}/cancel", None, "", order.order_id)
            else:
                payment, key = json.loads(order.answer)["payment_id"], new_key()
                if self._admin.refund(payment, 1, key=key).status_code >= 500:
                    self._admin.refund(payment, 1, key=key)


@contextmanager
def two_replicas(arm: Arm, part: str, settings: dict[str, str]) -> Iterator[None]:
    """Run a part twice with these settings, and once without them afterwards."""
    try:
        if settings:
            arm.runner.configure(part, settings)
        arm.runner.scale(part, 2)
        yield
    finally:
        arm.runner.scale(part, 1)
        if settings:
            arm.runner.configure(part, dict.fromkeys(settings))


@pytest.mark.long
@pytest.mark.parametrize("point", NAMES)
def test_a_freeze_at_one_point_loses_nothing(arm: Arm, shop: Shop, admin: Admin, tmp_path: Path, point: str) -> None:
    if arm.name == "colocated" or point not in failpoints_of(arm.name):
        pytest.skip(f"{arm.name} has no second replica, or no {point}")

    _freezes_and_loses_nothing(arm, shop, admin, tmp_path, point)


def test_a_freeze_between_record_and_send_refunds_once(arm: Arm, shop: Shop, admin: Admin, tmp_path: Path) -> None:
    if arm.name == "colocated":
        pytest.skip("it has no second replica")
    short = {"RECOVERY_AFTER_S": "2"}

    _freezes_and_loses_nothing(arm, shop, admin, tmp_path, "refund.recorded", short, frozen_s=5.0, served_within_s=60.0)


def _freezes_and_loses_nothing(
    arm: Arm,
    shop: Shop,
    admin: Admin,
    folder: Path,
    point: str,
    more: Mapping[str, str] = MappingProxyType({}),
    frozen_s: float = FROZEN_S,
    served_within_s: float = SERVED_WITHIN_S,
) -> None:
    reached, witness = folder / "reached", Witness(folder / "orders.jsonl")
    mark = folder / "reached.frozen"
    settings = {"CRASH_AT": f"{point}:1:freeze", "REACHED_FILE": str(reached), **more}

    with two_replicas(arm, arm.part_of(SERVICE_OF[point]), settings):
        until("products are listed", lambda: shop.http.get("/products").status_code == 200)
        with Crowd(shop, admin, admin.stocks("FRAGILE-VASE", stock=1000), witness) as crowd:
            until(f"somebody freezes at {point}", lambda: mark.exists() and mark.read_text("ascii"), within_s=60)
            frozen, served, began = int(mark.read_text("ascii")), crowd.served, time.monotonic()
            try:
                until("others are served", lambda: crowd.served >= served + CUSTOMERS, within_s=served_within_s)
                time.sleep(max(0.0, began + frozen_s - time.monotonic()))
            finally:
                os.kill(frozen, signal.SIGCONT)
            served = crowd.served
            until("the shop goes on", lambda: crowd.served >= served + CUSTOMERS, within_s=60.0)
    witness.close()

    outcome = reconciled(arm, folder / "orders.jsonl")
    assert outcome.is_clean, f"frozen at {point}\n" + "\n".join(tell(outcome)[:60])


@pytest.mark.long
@pytest.mark.parametrize("service", ["orders", "catalog"])
def test_a_replica_frozen_in_a_transaction_holds_others_up_for_seconds_only(
    arm: Arm, shop: Shop, admin: Admin, tmp_path: Path, service: str
) -> None:
    if arm.name == "colocated":
        pytest.skip("it has no second replica")
    witness, sku = Witness(tmp_path / "orders.jsonl"), admin.stocks("FRAGILE-VASE", stock=1000)
    part = arm.part_of(service)
    frozen = f"{part}.1"
    with two_replicas(arm, part, {}), Crowd(shop, admin, sku, witness) as crowd:
        until("orders are taken", lambda: crowd.served > 0)
        until(f"{frozen} is frozen in a transaction", lambda: _freezes_in_a_transaction(arm, service, frozen), 60.0)
        try:
            time.sleep(HELD_UP_S)
            began, answers = time.monotonic(), [shop.customer().place_order((sku, 1)) for _ in range(8)]
            took_s = time.monotonic() - began
            pages = [shop.http.get("/products").status_code for _ in range(8)]
        finally:
            arm.runner.resume(frozen)
    witness.close()

    assert {answer.status_code for answer in answers} == {201}
    assert took_s < SERVED_WITHIN_S
    assert set(pages) == {200}
    outcome = reconciled(arm, tmp_path / "orders.jsonl")
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])


def _freezes_in_a_transaction(arm: Arm, service: str, replica: str) -> bool:
    """Freeze a replica, and let it go on unless that caught it with a transaction open."""
    arm.runner.pause(replica)
    with psycopg.connect(arm.database_url(service), autocommit=True) as connection:
        for _ in range(3):
            time.sleep(0.1)
            if connection.execute(_OPEN).fetchone() != (True,):
                arm.runner.resume(replica)
                time.sleep(0.05)
                return False
    return True
