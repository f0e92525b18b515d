"""kill -9 of every process of a build, at random moments, while orders flow."""

from __future__ import annotations

import random
import time
from pathlib import Path

from loadtests.measure.reconcile import FAILED_S, tell
from tests.arms import Arm
from tests.chaos.traffic import Traffic
from tests.journeys.books import reconciled
from tests.journeys.shop import Shop
from tests.journeys.waiting import until

SEED = 20_251_120
WARM_S = 1.0
BETWEEN_S = (0.3, 1.2)


def test_no_kill_loses_an_order_or_charges_twice(arm: Arm, shop: Shop, skus: list[str], tmp_path: Path) -> None:
    chance, history = random.Random(SEED), tmp_path / "orders.jsonl"
    parts = [part.name for part in arm.runner.stack.parts]
    chance.shuffle(parts)

    with Traffic(shop, skus, history, SEED) as traffic:
        time.sleep(WARM_S)
        for part in parts:
            arm.runner.kill(part)
            time.sleep(chance.uniform(*BETWEEN_S))
        until("every part is back", lambda: arm.runner.status().ready, within_s=30)
        time.sleep(WARM_S)

    outcome = reconciled(arm, history)
    assert outcome.is_clean, f"seed {SEED}, killed {', '.join(parts)}\n" + "\n".join(tell(outcome)[:60])
    assert outcome.waited_s < FAILED_S
    assert traffic.statuses.count(201) > 10, "there was hardly any traffic to disturb"
    restarts = {status.part: status.restarts for status in arm.runner.status().instances}
    assert all(restarts[part] > 0 for part in parts), restarts
