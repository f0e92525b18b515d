"""Fixtures of the browser tests: a Chromium, the shop behind the pages, and a visitor on a fresh page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api", reason="NO BROWSER TESTS: Playwright for Python is not installed")

from playwright.sync_api import Browser

from room import chromium
from tests.arms import Arm
from tests.browser.visitor import DESK, Visitor, visiting
from tests.journeys.opening import open_shop
from tests.journeys.shop import Admin, Shop


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The pages of colocated are those of the services: nothing new to see."""
    twice = [
        item
        for item in items
        if "browser" in item.path.parts
        and getattr(getattr(item, "callspec", None), "params", {}).get("arm") == "colocated"
    ]
    if twice:
        config.hook.pytest_deselected(items=twice)
        items[:] = [item for item in items if item not in twice]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one these tests are skipped, and say so.

    One for this folder: while it is open an event loop runs in this thread, and other tests want one of their own.
    """
    if chromium.find() is None:
        pytest.skip(f"NO BROWSER TESTS: none of {', '.join(chromium.NAMES)} is on PATH")
    with chromium.open_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def shop(arm: Arm) -> Iterator[Shop]:
    """The shop behind the pages."""
    with open_shop(arm) as opened:
        yield opened


@pytest.fixture(scope="session")
def admin(shop: Shop) -> Admin:
    """Somebody with the role admin, who fills the shelves."""
    return shop.admin()


@pytest.fixture
def visitor(browser: Browser, arm: Arm) -> Iterator[Visitor]:
    """Somebody at a desk, with an empty cart. The page's console must stay free of errors, and its sources ours."""
    with visiting(browser, arm.url, arm.outside_url("identity"), DESK) as opened:
        yield opened
        opened.leaves_no_trouble()
