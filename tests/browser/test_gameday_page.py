"""The page of a game day: read by everybody, as wide as the screen, in light and dark, and soon there."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import DESK, PHONE
from workshop.gameday import page
from workshop.gameday.test_outcome import a_day


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    browser: Browser, tmp_path: Path, scheme: str, size: dict[str, int]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    path = page.write(a_day(), tmp_path)
    context = browser.new_context(viewport=size, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(path.as_uri())

    violations = axe.run(opened).response["violations"]
    wider = opened.evaluate("document.documentElement.scrollWidth > innerWidth")
    shown_ms = opened.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()

    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in violations] == []
    assert not wider
    assert path.stat().st_size < 100_000
    assert shown_ms < 1000  # 150 on a quiet machine
