"""Locust's own page, as Locust users know it: users, shapes and shops to choose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from deploy.model.home import REPOSITORY
from tests.arms import Arm
from tests.journeys.waiting import until

LOCUST_PORT = 8089


@pytest.fixture(scope="module")
def address(arms: dict[str, Arm]) -> Iterator[str]:
    """Locust beside the stacks of this session."""
    httpx = pytest.importorskip("httpx")
    site = arms["monolith"].runner.site
    opened = f"http://127.0.0.1:{LOCUST_PORT + site.shift}"
    settings = {"TWINSHOP_HOME": site.data, "TWINSHOP_PORT_SHIFT": str(site.shift)}
    process = subprocess.Popen(
        [sys.executable, "-m", "twinshop.cli", "locust"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=REPOSITORY,
        env=os.environ | settings, start_new_session=True,
    )  # fmt: skip

    def answers() -> bool:
        try:
            return bool(httpx.get(opened, timeout=1).is_success)
        except httpx.HTTPError:
            return False

    try:
        until("Locust's page is there", answers, within_s=30)
        yield opened
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def test_locust_offers_both_shops_the_open_arrivals_and_the_shapes(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)

    for user in ("Buyer", "OpenArrivals", "Shopper"):
        expect(page.get_by_text(user, exact=True).first).to_be_visible(timeout=15_000)
    options = page.locator("select option, [role=option]").all_text_contents()
    page.get_by_text("Custom parameters").click()
    every = {*options, *page.locator("select option").all_text_contents()}
    page.close()

    assert {"Ramp", "Spike", "Steps"} <= every
    assert {"monolith", "microservices"} <= every
