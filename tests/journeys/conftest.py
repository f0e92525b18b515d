"""Fixtures of the journeys: the shop, its admin, a customer who has never been here."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.arms import Arm
from tests.journeys.interrupted import Interrupted
from tests.journeys.opening import open_shop
from tests.journeys.raw_http import HALF_A_BODY, HALF_A_HEADER, SlowSender
from tests.journeys.settling import LateOrders
from tests.journeys.shop import Admin, Customer, Shop
from tests.plain_http import plain_http


@pytest.fixture(scope="session")
def shop(arm: Arm) -> Iterator[Shop]:
    """The arm, as its customers see it."""
    with open_shop(arm) as opened:
        yield opened


@pytest.fixture(scope="session")
def admin(shop: Shop) -> Admin:
    """Somebody with the role admin."""
    return shop.admin()


@pytest.fixture
def customer(shop: Shop) -> Customer:
    """Somebody who has never been here."""
    return shop.customer()


@pytest.fixture
def curl() -> Iterator[httpx.Client]:
    """A client without a base address, for the parts' own ports."""
    with plain_http() as client:
        yield client


@pytest.fixture(scope="session")
def late_orders(shop: Shop, admin: Admin) -> Iterator[LateOrders]:
    """Orders whose payment the provider leaves open, placed when the arm's first journey begins."""
    late = LateOrders(shop, admin)
    late.begin()
    yield late
    late.end()


@pytest.fixture(scope="session")
def interrupted(shop: Shop, admin: Admin) -> Interrupted:
    """Requests that met a provider without answers, sent when the arm's first journey begins."""
    work = Interrupted(shop, admin)
    work.begin()
    return work


@pytest.fixture(scope="session")
def awaited(arm: Arm) -> list[tuple[Customer, str]]:
    """Orders that a fault has left pending: whoever adds one need not wait, test_books.py does."""
    return []


@pytest.fixture(scope="session")
def slow_senders(arm: Arm) -> dict[str, SlowSender]:
    """Requests of which only a half was sent, when the arm's first journey begins."""
    return {"header": SlowSender(arm.url, HALF_A_HEADER), "body": SlowSender(arm.url, HALF_A_BODY)}


@pytest.fixture(autouse=True)
def _begin_early_what_takes_long(request: pytest.FixtureRequest) -> None:
    fixtures = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for name in ("slow_senders", "late_orders", "interrupted"):
        if name in fixtures and "arm" in request.fixturenames:
            request.getfixturevalue(name)
