"""A monolith with modules out is stopped, started and given fresh data like any other stack."""

from __future__ import annotations

import httpx
import pytest

from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.model.extraction import ExtractionState
from migration.moves import Mover
from tests.arms import Arm

PRODUCTS = 7


@pytest.mark.long
def test_state_outlives_a_restart_and_fresh_data(monolith: Arm) -> None:
    runner = monolith.runner
    assert isinstance(runner, LocalRunner)
    Mover(runner, stage_s=0.1).out("notifications")
    Mover(runner, stage_s=0.1).out("catalog")

    runner.down()
    runner.up()
    runner.reset(PRODUCTS)

    assert runner.extraction == ExtractionState(("notifications", "catalog"))
    assert len(_products(monolith)) == PRODUCTS
    with pytest.raises(DeployError, match="the next one out is payments"):
        Mover(runner).out("orders")
    with pytest.raises(DeployError, match="the next one back is catalog"):
        Mover(runner).back("notifications")

    for module in ("catalog", "notifications"):
        Mover(runner, stage_s=0.1).back(module)
    assert runner.extraction == ExtractionState()
    assert len(_products(monolith)) == PRODUCTS
    assert [part.name for part in runner.stack.parts] == ["db", "web", "edge"]


def _products(monolith: Arm) -> list[object]:
    items: list[object] = httpx.get(f"{monolith.url}/products", params={"limit": 50}).json()["items"]
    return items
