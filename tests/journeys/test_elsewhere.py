"""An arm of a comparison that is only an address: what is seen of it from outside, and what is not.

Its load buys whatever there is, so it comes last: other journeys count the pieces of what they have ordered.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.engine import registry
from loadtests.engine.budgets import Budget
from loadtests.engine.fresh_start import elsewhere
from loadtests.engine.progress import ProgressReporter
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, run_trial
from loadtests.load.elsewhere import ShopElsewhere
from tests.arms import Arm

ANYWHERE = Budget(None, None)


@pytest.mark.aftermath
def test_an_address_is_loaded_and_its_orders_are_read_back(arm: Arm, tmp_path: Path) -> None:
    shop = ShopElsewhere.of(arm.url, arm.outside_url("identity"))

    with shop.opened() as opened, ProgressReporter() as progress:
        study = Study(registry.find("compare"), tmp_path, ANYWHERE, progress)
        away = elsewhere(arm.url, opened, ANYWHERE)
        run = run_trial(study, away, Load(15, 2.0, 0.5, "ordering"), pair=1, seed=1).run

    looked_at = run["reconciliation"]["looked_at"]
    assert run["reconciled"], run["violations"]
    assert looked_at["S3"] == looked_at["S7"] >= run["orders_confirmed"] > 0
    assert run["latency_ms_by_journey"]["order"]["p50"] > 0
    assert (run["cpu_ms_per_order"], run["cpu_ms_by_part"], run["memory_mb_by_part"]) == (None, {}, {})
