"""kill -9 of every process of a build, at random moments, while orders flow."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from loadtests.measure.reconcile import FAILED_S, tell
from tests.arms import Arm
from tests.chaos.traffic import Traffic
from tests.journeys.books import reconciled
from tests.journeys.shop import Shop
from tests.journeys.waiting import until

SEEDS = [20_251_120, *(pytest.param(seed, marks=pytest.mark.long) for seed in (8001, 8002, 8003, 40_500))]
WARM_S = 1.0
BETWEEN_S = (0.3, 1.2)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_kill_loses_an_order_or_charges_twice(
    arm: Arm, shop: Shop, skus: list[str], tmp_path: Path, seed: int
) -> None:
    chance, history = random.Random(seed), tmp_path / "orders.jsonl"
    parts = [part.name for part in arm.runner.stack.parts]
    chance.shuffle(parts)

    with Traffic(shop, skus, history, seed) as traffic:
        time.sleep(WARM_S)
        for part in parts:
            arm.runner.kill(part)
            time.sleep(chance.uniform(*BETWEEN_S))
        until("every part is back", lambda: arm.runner.status().ready, within_s=60)
        until("customers have bought something", lambda: traffic.statuses.count(201) > 10, within_s=60)

    outcome = reconciled(arm, history)
    assert outcome.is_clean, f"seed {seed}, killed {', '.join(parts)}\n" + "\n".join(tell(outcome)[:60])
    assert outcome.waited_s < FAILED_S
    restarts = {status.part: status.restarts for status in arm.runner.status().instances}
    assert all(restarts[part] > 0 for part in parts), restarts
