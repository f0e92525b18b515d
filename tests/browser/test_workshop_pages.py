"""The pages of claims, game days, a room's progress, profiles: for everybody, never too wide, light and dark, soon."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from loadtests.profiling import page as profile_page
from loadtests.profiling.test_page import a_profile
from loadtests.report import claims_page
from loadtests.report.conftest import make_result
from loadtests.report.test_claims_page import NOW, in_every_state
from tests.browser.visitor import DESK, PHONE
from workshop.classroom.report import LabReport, Report
from workshop.classroom.server import Classroom, render
from workshop.gameday import page
from workshop.gameday.test_outcome import a_day


def a_room() -> Classroom:
    """Two participants, one of whom is stuck."""
    room = Classroom()
    for number, (name, trouble) in enumerate((("Ada", "twinshop books"), ("Grace", ""))):
        lab = LabReport(steps_done=3, steps=12, solved=not trouble, trouble=trouble)
        room.take(Report(id=f"{number:032x}", name=name, labs={"1": lab, "5": lab.model_copy(update={"done": True})}))
    return room


PAGES = {
    "claims": lambda: claims_page.render(in_every_state(make_result()), "fff0000", NOW),
    "game day": lambda: page.render(a_day()),
    "game day that runs": lambda: page.render(a_day(is_over=False, books={}, now_s=4.0)),
    "classroom": lambda: render(a_room()),
    "profile": lambda: profile_page.render([a_profile(build, "order") for build in ("monolith", "microservices")]),
}
MOST_BYTES = {"claims": 6_000_000}  # the plots' library is in it


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(browser: Browser, tmp_path: Path, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    path = tmp_path / "index.html"
    path.write_text(PAGES[name](), "utf-8")
    context = browser.new_context(viewport=DESK, color_scheme="light")
    opened = context.new_page()
    opened.add_init_script("window.setInterval = () => 0")  # it stands still while it is looked at
    opened.goto(path.as_uri())
    opened.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    shown_ms = opened.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")

    violations = []
    for scheme, size in (("light", DESK), ("dark", PHONE)):
        opened.emulate_media(color_scheme=scheme)
        opened.set_viewport_size(size)
        violations += [
            (scheme, one["id"], [node["html"] for node in one["nodes"]][:3])
            for one in axe.run(opened).response["violations"]
        ]
        violations += ["wider"] * opened.evaluate("document.documentElement.scrollWidth > innerWidth")
    context.close()

    assert violations == []
    assert path.stat().st_size < MOST_BYTES.get(name, 100_000)
    assert shown_ms < 1000  # 150 on a quiet machine


def test_a_flame_graph_is_zoomed_and_searched_by_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(PAGES["profile"](), "utf-8")
    opened = browser.new_page()
    opened.goto(path.as_uri())
    flame = opened.locator(".flame").first
    part, database = (flame.get_by_role("button", name=name, exact=True) for name in ("web", "db"))
    width, whole = part.bounding_box()["width"], flame.bounding_box()["width"]

    flame.get_by_role("button").first.focus()
    for key in ("ArrowDown", "Enter"):
        opened.keyboard.press(key)
    zoomed = (part.bounding_box()["width"], database.is_visible())
    opened.keyboard.press("Escape")
    back = (part.bounding_box()["width"], database.is_visible())
    opened.get_by_label("Search functions").fill("sqlalchemy")
    matches = flame.locator(".match").all_text_contents()
    text = opened.locator("output").first.text_content()
    opened.close()

    assert width == pytest.approx(0.8 * whole, rel=0.01)
    assert zoomed == (pytest.approx(width * 1.25, rel=0.01), False)
    assert back == (width, True)
    assert matches == ["execute (sqlalchemy/engine/base.py:1450)"]
    assert text == "0.300 ms (60.0 %) in what matches."
