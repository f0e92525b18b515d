"""Fixtures of the chaos: a shop with fresh books."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.arms import Arm
from tests.chaos.traffic import Witness
from tests.journeys.books import settle
from tests.journeys.opening import open_shop
from tests.journeys.shop import Admin, Shop
from tests.journeys.waiting import until

PRODUCTS = 50


@pytest.fixture(scope="module")
def shop(arm: Arm) -> Iterator[Shop]:
    """The arm with fresh data, as its customers see it."""
    settle(arm)  # else a loop charges for an order that the reset then forgets
    arm.runner.reset(PRODUCTS)
    with open_shop(arm) as opened:
        until("the shop is open", lambda: opened.http.get("/products").status_code == 200)
        yield opened


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Admin:
    """Somebody with the role admin."""
    return shop.admin()


@pytest.fixture
def skus(admin: Admin) -> list[str]:
    """Products of which the last pieces go while the shop shakes."""
    return [admin.stocks(word, stock=40, price=price) for word, price in (("ANVIL", 9_900), ("VASE", 2_500))] + [
        admin.stocks(word, stock=500, price=price) for word, price in (("BALLOON", 150), ("CACTUS", 990))
    ]


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    """Writes down what is asked and answered."""
    history = Witness(tmp_path / "orders.jsonl")
    yield history
    history.close()
