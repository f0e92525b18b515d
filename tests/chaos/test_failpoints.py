"""A process dies at a named point between two effects; its key, a retry and the books tell the same story."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from loadtests.load.generator.history import OrderCall
from loadtests.measure.reconcile import tell
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.answers import describe
from tests.journeys.books import reconciled
from tests.journeys.shop import Admin, Customer, Shop, new_key, order_body
from tests.journeys.waiting import until

SETTLED_S = 30.0
ATTEMPTS = 5

# failpoint -> the service that passes it; in the monolith and colocated it is the one application
FAILPOINTS = {
    "monolith": {
        "order.placed": "orders",
        "payment.charged": "payments",
        "payment.settled": "payments",
        "order.confirmed": "orders",
        "refund.sent": "payments",
        "mail.sent": "notifications",
    },
    "microservices": {
        "order.placed": "orders",
        "order.reserved": "orders",
        "payment.charged": "payments",
        "refund.sent": "payments",
        "outbox.published": "orders",
        "inbox.applied": "catalog",
    },
    "colocated": {
        "order.placed": "orders",
        "order.reserved": "orders",
        "payment.charged": "payments",
        "refund.sent": "payments",
        "outbox.published": "orders",
        "inbox.applied": "catalog",
    },
}


@dataclass
class Crash:
    """One death at a failpoint: who ordered what, and the first answer (status 0: none)."""

    customer: Customer
    sku: str
    key: str
    died: bool
    first: OrderCall

    def retry(self) -> httpx.Response:
        """Send the order again with its key."""
        return self.customer.place_order((self.sku, 1), key=self.key)


class Crashes:
    """All deaths of one arm, one after the other, so that the wait for recovery is shared."""

    def __init__(self, arm: Arm, shop: Shop, admin: Admin, history: Path) -> None:
        self._arm, self._shop, self._admin = arm, shop, admin
        self.history = history
        self._calls = Witness(history)
        self.all = {point: self._crash(point, service) for point, service in FAILPOINTS[arm.name].items()}
        self._calls.close()

    def _crash(self, point: str, service: str) -> Crash:
        part, sku = self._arm.part_of(service), self._admin.stocks("FRAGILE-VASE", stock=5)
        customer = self._shop.customer("unlucky-ursula")
        for _ in range(ATTEMPTS):
            before, key = self._arm_at(point, part), new_key()
            first = self._calls.ask("place", customer, "/orders", order_body((sku, 1)), key)
            if first.status != 503:  # else an earlier order has passed the point, and this one never began
                break
        if point == "refund.sent" and first.status == 201:
            path = f"/orders/{first.order_id}/cancel"
            self._calls.ask("cancel", customer, path, None, "", first.order_id)
        died = _within(5.0, lambda: self._restarts(part) > before)
        if not died:
            self._arm.runner.restart(part)
        self._sells_again()
        return Crash(customer, sku, key, died, first)

    def _arm_at(self, point: str, part: str) -> int:
        """Make a part die there once; return its restarts until then.

        What an earlier crash has left behind may pass the point before our order does: then once more.
        """
        for _ in range(ATTEMPTS):
            self._arm.runner.configure(part, {"CRASH_AT": f"{point}:1"})
            self._arm.runner.configure(part, {"CRASH_AT": None}, restart=False)
            before = self._restarts(part)
            self._sells_again()
            if self._restarts(part) == before:
                return before
        raise AssertionError(f"{part} died {ATTEMPTS} times at {point}, and no order of this test was there")

    def _restarts(self, part: str) -> int:
        return sum(one.restarts for one in self._arm.runner.status().instances if one.part == part)

    def _sells_again(self) -> None:
        until("orders are listed", lambda: self._admin.get("/orders").status_code == 200)
        until("products are listed", lambda: self._shop.http.get("/products").status_code == 200)


@pytest.fixture(scope="module")
def crashes(arm: Arm, shop: Shop, admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Crashes:
    """Every failpoint of the arm, passed once and died at."""
    return Crashes(arm, shop, admin, tmp_path_factory.mktemp("chaos") / "orders.jsonl")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each arm has its own failpoints: see `FAILPOINTS`."""
    if "number" in metafunc.fixturenames:
        metafunc.parametrize("number", range(6))


def test_each_process_died_where_it_was_told_to(crashes: Crashes) -> None:
    assert [point for point, crash in crashes.all.items() if not crash.died] == []


def test_the_key_of_an_interrupted_order_gets_its_final_answer_and_one_charge(
    shop: Shop, crashes: Crashes, number: int
) -> None:
    point, crash = list(crashes.all.items())[number]

    answer = until(
        f"the key answers after {point}",
        lambda: (again := crash.retry()).status_code not in {202, 409, 503, 504} and again,
        within_s=SETTLED_S,
    )

    assert answer.status_code == 201, f"{point}: {describe(answer)}"
    assert answer.content == crash.retry().content
    if crash.first.status == 201:
        assert answer.text == crash.first.answer
    (order,) = [order for order in crash.customer.orders() if order["reason"] != "unavailable"]
    charges: list[dict[str, Any]] = [charge for charge in shop.provider.ledger() if charge["key"] == order["id"]]
    assert [charge["status"] for charge in charges] == ["captured"]
    status = "cancelled" if point == "refund.sent" else "confirmed"
    crash.customer.order_becomes(order["id"], status, within_s=SETTLED_S)


def test_the_books_add_up_after_the_crashes(arm: Arm, crashes: Crashes) -> None:
    outcome = reconciled(arm, crashes.history)

    assert outcome.is_clean, "\n".join(tell(outcome)[:60])


def _within(seconds: float, happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
