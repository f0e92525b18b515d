"""A lesson's length in the control room: ten minutes of load and trouble, and the page has missed nothing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.arms import Arm
from tests.browser.visitor import opens
from tests.journeys.books import settle

pytest.importorskip("nicegui", reason="NO TESTS OF THE CONTROL ROOM: NiceGUI is not installed")

from room.opening import open_room
from tests.browser.test_room import PAIR, section

MINUTES = float(os.environ.get("TWINSHOP_ROOM_MINUTES", "10"))
TROUBLE_EVERY_S = 15.0
VICTIMS = (
    ("microservices", "payments"),
    ("monolith", "web"),
    ("microservices", "catalog"),
    ("microservices", "orders"),
)

pytestmark = [pytest.mark.fault, pytest.mark.long]


@pytest.fixture
def page(arms: dict[str, Arm], browser: Browser) -> Iterator[Page]:
    """A room of its own, so that all of its events are of this run."""
    for stack in PAIR:
        settle(arms[stack])
    site = arms["monolith"].runner.site
    with open_room({"TWINSHOP_HOME": site.data, "TWINSHOP_PORT_SHIFT": str(site.shift)}) as address:
        opened = browser.new_page(viewport={"width": 1920, "height": 1080})
        opens(opened, address, opened.locator("#figures-microservices dd").first)
        yield opened
        opened.close()


@pytest.mark.timeout(MINUTES * 60 + 240)
def test_a_page_that_is_open_for_a_lesson_loses_no_event(
    page: Page, arms: dict[str, Arm], pytestconfig: pytest.Config
) -> None:
    room = next(one for one in psutil.process_iter(["cmdline"]) if _is_our_room(one.info["cmdline"] or [], page.url))
    page.get_by_label("Rate /s").fill("20")
    section(page, "Load").get_by_role("button", name="Start").click()
    spent, began = room.cpu_times(), time.monotonic()

    for number in range(int(MINUTES * 60 / TROUBLE_EVERY_S)):
        stack, part = VICTIMS[number % len(VICTIMS)]
        page.locator(f"#drawing-{stack} .node[aria-label^='{part}:']").click(position={"x": 20, "y": 8})
        section(page, "Part").get_by_role("button", name="Kill").first.click()
        page.wait_for_timeout(TROUBLE_EVERY_S * 1000)
    lasted_s, after = time.monotonic() - began, room.cpu_times()

    page.get_by_role("button", name="Stop load").click()
    expect(page.locator("#console progress")).to_have_count(0, timeout=60_000)
    page.wait_for_timeout(5000)
    at_ms = page.evaluate("room.state.samples.map((sample) => sample.at)")
    gaps_s = [(later - earlier) / 1000 for earlier, later in pairwise(at_ms)]
    share = (after.user + after.system - spent.user - spent.system) / lasted_s
    pytestconfig.get_terminal_writer().line(
        f"\nThe room: {lasted_s:.0f} s, {page.evaluate('room.state.events.length')} events, {len(at_ms)} samples kept, "
        f"longest gap {max(gaps_s):.1f} s, {share:.1%} of a core"
    )
    written = (Path(arms["monolith"].runner.site.data) / "room" / "events.jsonl").read_text().splitlines()
    assert page.evaluate("room.state.lost") == 0
    assert page.evaluate("room.state.events") == [json.loads(line) for line in written]
    assert sorted(gaps_s)[len(gaps_s) // 2] <= 1.1  # a chart moves once a second


def _is_our_room(command: list[str], url: str) -> bool:
    port = url.rstrip("/").rpartition(":")[2]
    return command[-3:] == ["room", "--port", port]
