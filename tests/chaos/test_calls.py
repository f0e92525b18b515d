"""Where calls tell of an order, whatever dies or hangs during a call: no order, no stock and no mail is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.faults.outside import set_mail_delay
from deploy.model.parts import VARIANT
from loadtests.measure.reconcile import FAILED_S, tell
from tests.arms import Arm
from tests.chaos.traffic import Traffic
from tests.journeys.books import reconciled
from tests.journeys.shop import Shop
from tests.journeys.waiting import until

pytestmark = pytest.mark.long

SEED = 20_251_120
SLOW_MS = 1500  # a few of these in a row are more than anybody waits
BETWEEN_S = (0.5, 1.5)


@pytest.fixture
def waiting_shop(arm: Arm, shop: Shop) -> Iterator[Shop]:
    """The shop, whose customers wait for stock and mail."""
    if arm.name == "colocated":
        pytest.skip("calls are a variant of the parts that colocated holds in one")
    settings = {VARIANT: "direct_notification"}
    parts = {arm.part_of(service) for service in ("catalog", "notifications", "orders")}
    for part in parts:
        arm.runner.configure(part, settings)
    until("orders are taken", lambda: shop.admin().get("/orders").status_code == 200)
    yield shop
    set_mail_delay(arm.runner.site, 0)
    for part in parts:
        arm.runner.configure(part, dict.fromkeys(settings))


def test_no_kill_and_no_slow_mail_server_loses_what_a_call_should_have_told(
    arm: Arm, waiting_shop: Shop, skus: list[str], tmp_path: Path
) -> None:
    chance, history = random.Random(SEED), tmp_path / "orders.jsonl"
    parts = [part.name for part in arm.runner.stack.parts if part.kind == "app"] * 2
    chance.shuffle(parts)

    with Traffic(waiting_shop, skus, history, SEED) as traffic:
        time.sleep(1)
        for number, part in enumerate(parts):
            set_mail_delay(arm.runner.site, SLOW_MS if number % 2 else 0)
            arm.runner.kill(part)
            time.sleep(chance.uniform(*BETWEEN_S))
        set_mail_delay(arm.runner.site, 0)
        until("every part is back", lambda: arm.runner.status().ready, within_s=60)
        time.sleep(1)

    outcome = reconciled(arm, history)
    assert outcome.is_clean, "\n".join(tell(outcome)[:60])
    assert outcome.waited_s < FAILED_S
    assert traffic.statuses.count(201) > 10, "there was hardly any traffic to disturb"


def test_the_mail_is_there_with_the_answer(arm: Arm, waiting_shop: Shop, skus: list[str]) -> None:
    customer = waiting_shop.customer("waiting-wanda")

    answer = customer.place_order((skus[-1], 1))

    assert answer.status_code == 201
    (notification,) = customer.get("/notifications").json()["items"]
    assert (notification["kind"], notification["status"]) == ("order_confirmed", "sent")
