"""The page for the back row: light, for everybody, and it says what is broken and what customers meet."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.arms import Arm
from tests.browser.visitor import is_trouble

pytest.importorskip("nicegui", reason="NO TESTS OF THE CONTROL ROOM: NiceGUI is not installed")

from deploy.faults import notes
from deploy.model.home import Home
from room.opening import open_room

WALL, PHONE = {"width": 1920, "height": 1080}, {"width": 400, "height": 800}
MOST_BYTES = 100_000
Look = Callable[[Page], list[object]]


@pytest.fixture
def violations() -> Look:
    """A look with axe at a page, on a wall in the light and on a phone in the dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()

    def look(page: Page) -> list[object]:
        faults: list[object] = []
        for scheme, size in (("light", WALL), ("dark", PHONE), ("dark", WALL)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size(size)  # type: ignore[arg-type]
            for one in axe.run(page).response["violations"]:
                faults.append((scheme, one["id"], [node["html"] for node in one["nodes"]][:3]))
            faults += ["wider"] * page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return faults

    return look


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must stay free of errors."""
    context = browser.new_context(viewport=WALL)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if is_trouble(message) else None)
    yield opened
    context.close()
    assert errors == []


def test_the_first_view_is_light_and_soon_there_and_a_key_leads_to_it_and_back(
    page: Page, tmp_path: Path, violations: Look
) -> None:
    answers: list[Response] = []

    def keep(answer: Response) -> None:  # Playwright cannot take a method of a built-in type
        answers.append(answer)

    home = Home(tmp_path)
    with open_room({"TWINSHOP_HOME": str(tmp_path)}) as address, notes.noted(home, "monolith", "pause", "db", 60):
        page.on("response", keep)
        page.goto(f"{address}/wall")
        expect(page.locator("#story")).to_contain_text("In the monolith the database was frozen", timeout=10_000)
        sizes = [answer.request.sizes() for answer in answers]
        shown_ms = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")

        expect(page.locator("#faults")).to_have_text(re.compile(r"^pause db · monolith · \d+ s left$"))
        expect(page.locator("#audit-monolith")).to_have_text("books: not checked yet")
        expect(page.locator("#audit-monolith")).not_to_have_class(re.compile("broken"))
        assert violations(page) == []
        assert sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes) < MOST_BYTES
        assert shown_ms < 1000  # 150 on a quiet machine

        page.keyboard.press("w")
        expect(page.get_by_role("button", name="Inject")).to_be_visible(timeout=20_000)
        page.keyboard.press("w")
        expect(page.locator("#story")).to_contain_text("the database", timeout=10_000)
        page.goto("about:blank")


@pytest.mark.long
@pytest.mark.fault
@pytest.mark.timeout(120)
def test_a_hanging_provider_is_told_with_what_customers_meet(
    page: Page, arms: dict[str, Arm], violations: Look
) -> None:
    site = arms["microservices"].runner.site
    with open_room({"TWINSHOP_HOME": site.data, "TWINSHOP_PORT_SHIFT": str(site.shift)}) as address:
        page.goto(f"{address}/wall")
        with ThreadPoolExecutor() as pool:
            command = [pool.submit(_twinshop, site.data, site.shift, *words) for words in (
                ("load", "--stack", "microservices", "--rate", "20", "--mix", "ordering", "--for", "25s"),
                ("fault", "provider-hanging", "--stack", "microservices", "--for", "20s"),
            )]  # fmt: skip
            expect(page.locator("#faults")).to_contain_text("provider-hanging · services", timeout=20_000)
            expect(page.locator("#story")).to_have_text(
                re.compile(r"^In the services the payment provider stopped answering \d+ s ago; orders in the services "
                           r"wait as payment pending; browsing in the services is unaffected\.$"), timeout=20_000,
            )  # fmt: skip
            expect(page.locator("dd.note", has_text="pending").first).to_be_visible()
            assert violations(page) == []
            assert [one.result() for one in command] == [0, 0]
        page.goto("about:blank")


def _twinshop(home: str, shift: int, *words: str) -> int:
    settings = {"TWINSHOP_HOME": home, "TWINSHOP_PORT_SHIFT": str(shift)}
    return subprocess.run(
        [sys.executable, "-m", "twinshop.cli", *words],
        env=os.environ | settings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False,
    ).returncode  # fmt: skip
