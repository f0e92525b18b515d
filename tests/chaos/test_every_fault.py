"""Every fault there is, on the real shops: it strikes, it is healed, the shop sells again, and the books close.

The same on processes and on containers: `TWINSHOP_ON=compose pytest tests/chaos/test_every_fault.py --arms monolith`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from deploy.faults import during
from deploy.faults.vocabulary import FAULTS, target_of
from deploy.runner.interface import InstanceStatus
from loadtests.load.generator.history import OrderCall
from loadtests.measure.reconcile import tell
from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.books import reconciled
from tests.journeys.shop import Admin, Shop, new_key, order_body
from tests.journeys.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.long]
STRIKES_WITHIN_S = 30.0
SELLS_WITHIN_S = 40.0
ARMED = ("memory-leak", "poison-request")  # to be told of it, the part is started again, which is no crash
READERS = 2  # of the news of a confirmed order: catalog and notifications, each with a dead letter of its own


@dataclass
class FaultyShop:
    """A shop while something is broken, and what can be seen of it."""

    arm: Arm
    shop: Shop
    witness: Witness
    sku: str
    target: str
    before: int = 0

    def order(self) -> OrderCall:
        """Place an order, with a customer of its own, and return what became of it."""
        return self.witness.ask("place", self.shop.customer(), "/orders", order_body((self.sku, 1)), new_key())

    def order_took_s(self) -> float:
        """Place an order, and return how long its answer took."""
        call = self.order()
        return call.answered_at - call.sent_at

    def list_took_s(self) -> float:
        """Look at the products, and return how long that took."""
        began = time.monotonic()
        self.shop.http.get("/products")
        return time.monotonic() - began

    def instance(self) -> InstanceStatus:
        """How the replica that is struck is."""
        return next(one for one in self.arm.runner.status().instances if one.part == self.target)

    def restarted(self) -> bool:
        """Whether it was started again since the fault began, with customers who look at products meanwhile."""
        with contextlib.suppress(httpx.HTTPError):  # that is the fault
            self.shop.http.get("/products")
        return self.instance().restarts > self.before


@dataclass(frozen=True)
class Case:
    """A fault on a part or module, and how it shows."""

    fault: str
    part: str
    shows: Callable[[FaultyShop], bool]
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.fault}-{self.part}" if self.part else self.fault


def _sells(faulty: FaultyShop) -> bool:
    return faulty.order().status == 201


def _takes_for_later(faulty: FaultyShop) -> bool:
    return faulty.order().status == 202


def _fails(faulty: FaultyShop) -> bool:
    return faulty.order().status not in (201, 202)


def _state(*states: str) -> Callable[[FaultyShop], bool]:
    return lambda faulty: faulty.instance().state in states


CASES = (
    Case("crash", "payments", FaultyShop.restarted),
    Case("kill", "payments", _state("held")),
    Case("stop", "payments-db", _state("held")),
    Case("pause", "orders", _state("paused")),
    Case("restart", "catalog", FaultyShop.restarted),
    Case("disk-full", "orders", _fails),
    Case("read-only", "orders", _fails),
    Case("broker-away", "", _state("held")),
    Case("cut", "catalog", _fails),
    Case("delay", "catalog", lambda faulty: faulty.order_took_s() > 0.4),
    Case("drop", "catalog", _fails),
    Case("tcp-latency", "orders:sql", lambda faulty: faulty.order_took_s() > 0.3, {"ms": 50}),
    Case("tcp-bandwidth", "orders:sql", lambda faulty: faulty.order_took_s() > 0.3, {"kb_s": 4}),
    Case("tcp-reset", "orders:sql", _fails),
    Case("tcp-half-open", "payments:provider", _takes_for_later),
    Case("tcp-limited", "payments:provider", _takes_for_later, {"bytes": 20}),
    Case("provider-slow", "", lambda faulty: faulty.order_took_s() > 0.7),
    Case("provider-failing", "", _takes_for_later),
    Case("provider-hanging", "", _takes_for_later),
    Case("provider-times-out", "", _takes_for_later),
    Case("provider-webhooks", "", _sells),
    Case("mail-slow", "", _sells),
    Case("identity-away", "", _sells),  # the keys are known
    Case("cpu-hog", "catalog", lambda faulty: faulty.list_took_s() > 0.25),
    Case("memory-leak", "catalog", FaultyShop.restarted, {"mb": 40}),
    Case("clock-off", "payments", lambda faulty: "CLOCK_OFF_S" in _environment(faulty)),
    Case("poison-request", "catalog", FaultyShop.restarted),
    Case("poison-message", "", _sells),
)


def _environment(faulty: FaultyShop) -> Mapping[str, str]:
    return faulty.arm.runner.status().environment[faulty.target]


def test_no_fault_is_left_out() -> None:
    assert [case.fault for case in CASES] == list(FAULTS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_strikes_is_healed_and_the_books_close(
    arm: Arm, shop: Shop, admin: Admin, witness: Witness, tmp_path: Path, case: Case
) -> None:
    if FAULTS[case.fault].where == "broker" and not arm.has_broker:
        pytest.skip(f"{arm.name} has no broker")
    runner, sku = arm.runner, admin.stocks("FAULT", stock=500)
    broken = "broker" if case.fault == "broker-away" else case.part.partition(":")[0]
    faulty = FaultyShop(arm, shop, witness, sku, target_of(runner.stack, broken) if broken else "")
    faulty.before = faulty.instance().restarts if broken else 0

    with during(runner, case.fault, case.part, case.parameters):
        if case.fault in ARMED:
            faulty.before = faulty.instance().restarts
        until(f"{case} shows", lambda: case.shows(faulty), STRIKES_WITHIN_S)

    until("all is ready", lambda: runner.status().ready, SELLS_WITHIN_S)
    until("the shop sells again", lambda: _sells(faulty), SELLS_WITHIN_S)
    planted = READERS if case.fault == "poison-message" else 0
    outcome = reconciled(arm, tmp_path / "orders.jsonl", planted)
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])
