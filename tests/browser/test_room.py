"""The control room before an audience: load both, kill payments, see who still sells, heal, see the books settle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.arms import Arm
from tests.browser.visitor import is_trouble, opens
from tests.journeys.books import settle

pytest.importorskip("nicegui", reason="NO TESTS OF THE CONTROL ROOM: NiceGUI is not installed")

from loadtests.measure.verdict import PROMISES
from room.opening import open_room

pytestmark = [pytest.mark.fault, pytest.mark.long]  # `make test` has twelve minutes; `make test-all` runs these
PAIR = ("monolith", "microservices")


@pytest.fixture(scope="module")
def address(arms: dict[str, Arm], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A control room beside the stacks of this session, whose books start afresh: the journeys bend some on purpose."""
    for stack in PAIR:
        settle(arms[stack])
        with ThreadPoolExecutor(1) as pool:  # in this thread the browser's event loop runs, and a reset needs its own
            pool.submit(arms[stack].runner.reset).result()
    site = arms["monolith"].runner.site
    with open_room({"TWINSHOP_HOME": site.data, "TWINSHOP_PORT_SHIFT": str(site.shift)}) as opened:
        yield opened


@pytest.fixture
def page(address: str, browser: Browser) -> Iterator[Page]:
    """The room's page, which must stay free of errors and lose nothing."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if is_trouble(message) else None)
    opens(opened, address, opened.locator("#figures-microservices dd").first)
    yield opened
    assert opened.evaluate("room.state.lost") == 0
    context.close()
    assert errors == []


def health(page: Page, stack: str, part: str) -> str:
    """Return how a part is drawn: is-ready, is-wait, is-held, is-bad."""
    classes = page.locator(f"#drawing-{stack} .node[aria-label^='{part}:']").get_attribute("class") or ""
    return classes.split()[-1]


def good_answers(page: Page, stack: str) -> float:
    """Return how many good answers a second a shop gave, over the last three seconds."""
    return float(
        page.evaluate(f"room.state.samples.slice(-3).reduce((sum, s) => sum + (s.stacks['{stack}'].good ?? 0), 0) / 3")
    )


def answers(page: Page, stack: str, is_good: bool) -> None:
    """Wait until a shop answers, or until it does not."""
    page.wait_for_function(
        f"room.state.samples.slice(-3).every((s) => ((s.stacks['{stack}'].good ?? 0) > 0) === {str(is_good).lower()})",
        timeout=20_000,
    )


def section(page: Page, title: str) -> Locator:
    """Return a group of controls."""
    return page.locator("section.control").filter(has=page.get_by_role("heading", name=title, exact=True))


def test_both_architectures_are_drawn_and_all_is_green(page: Page) -> None:
    for stack, parts in (("monolith", ("edge", "web", "db")), ("microservices", ("edge", "orders", "broker"))):
        for part in parts:
            expect(page.locator(f"#drawing-{stack} .node[aria-label^='{part}: ready']")).to_be_visible()


def test_a_click_on_a_part_chooses_it_and_every_button_shows_its_command(page: Page) -> None:
    page.locator("#drawing-microservices .node[aria-label^='catalog:']").click()

    for command in ("kill catalog --stack microservices", "scale catalog 2 --stack microservices", "up", "heal"):
        expect(page.get_by_text(f"twinshop {command}", exact=True).first).to_be_visible()


@pytest.mark.timeout(240)
def test_killing_payments_takes_one_shop_away_and_leaves_the_other_selling(page: Page, arms: dict[str, Arm]) -> None:
    load, fault = section(page, "Load"), section(page, "Fault")
    page.get_by_label("Rate /s").fill("15")
    load.get_by_role("button", name="Start").click()
    for stack in PAIR:
        answers(page, stack, True)

    for stack, victim in (("microservices", "payments"), ("monolith", "web")):
        page.locator(f"#drawing-{stack} .node[aria-label^='{victim}:']").click(position={"x": 20, "y": 8})
        expect(fault.get_by_text(f"--part {victim}")).to_be_visible()
        fault.get_by_role("button", name="Inject").click()
        expect(page.locator(f"#drawing-{stack} .node[aria-label^='{victim}: held']")).to_be_visible(timeout=20_000)

    answers(page, "monolith", False)
    answers(page, "microservices", True)
    assert health(page, "microservices", "catalog") == "is-ready"
    assert good_answers(page, "microservices") > 5

    page.get_by_role("button", name="Heal all").click()
    for stack, victim in (("microservices", "payments"), ("monolith", "web")):
        expect(page.locator(f"#drawing-{stack} .node[aria-label^='{victim}: ready']")).to_be_visible(timeout=40_000)
    page.wait_for_timeout(3000)
    page.get_by_role("button", name="Stop load").click()

    for stack in PAIR:  # the books are looked at by themselves once the load has ended
        lights = page.locator(f"#books-{stack}:not(.stale) .light")
        expect(lights).to_have_count(len(PROMISES) - 1, timeout=100_000)  # L8 is of the whole shop
        expect(page.locator(f"#books-{stack}:not(.stale) .kept").first).to_be_visible(timeout=100_000)
        assert page.locator(f"#books-{stack} .broken").all_inner_texts() == []
    written = (Path(arms["monolith"].runner.site.data) / "room" / "events.jsonl").read_text().splitlines()
    assert page.evaluate("room.state.events") == [json.loads(line) for line in written]


@pytest.mark.timeout(240)
def test_an_experiment_runs_from_the_room_to_its_report(page: Page) -> None:
    box = section(page, "Experiment")
    box.get_by_label("Experiment").click()
    page.get_by_role("option", name="three-rulers", exact=True).click()
    expect(box.get_by_text("twinshop experiment three-rulers --quick")).to_be_visible()

    box.get_by_role("button", name="Run").click()

    link = page.get_by_role("link", name="Open the report").first
    expect(link).to_be_visible(timeout=150_000)
    report = page.context.request.get(urljoin(page.url, link.get_attribute("href") or ""))
    assert report.status == 200
    assert "two seconds" in report.text()


@pytest.mark.timeout(240)
def test_a_game_day_is_watched_from_its_first_second_and_aborted(page: Page, arms: dict[str, Arm]) -> None:
    box = section(page, "Game day")
    box.get_by_label("Plan").click()
    page.get_by_role("option", name="the-providers-bad-day", exact=True).click()
    expect(box.get_by_text("twinshop gameday the-providers-bad-day")).to_be_visible()

    box.get_by_role("button", name="Start").click()
    link = page.locator("#console a[href*='gameday']").first
    expect(link).to_be_visible(timeout=60_000)
    timeline = page.context.new_page()
    timeline.goto(urljoin(page.url, link.get_attribute("href") or ""))
    expect(timeline.get_by_text("It runs: ")).to_be_visible(timeout=60_000)
    expect(timeline.locator(".track i.on").first).to_be_visible(timeout=60_000)  # something is broken now
    box.get_by_role("button", name=re.compile("^Abort")).click()

    expect(timeline.get_by_text("it was stopped by hand")).to_be_visible(timeout=40_000)
    page.wait_for_function("room.state.runs.some((run) => run.name === 'gameday' && run.status !== null)")
    assert all(arms[stack].runner.status().ready for stack in PAIR)


def test_a_reload_shows_everything_that_happened_before(page: Page) -> None:
    page.get_by_role("button", name="Heal all").click()
    page.wait_for_function("room.state.events.some((event) => event.text === 'twinshop heal')")
    before = page.evaluate("room.state.events")

    page.reload()

    page.wait_for_function(f"window.room?.state?.events.length >= {len(before)}")
    assert page.evaluate(f"room.state.events.slice(0, {len(before)})") == before
    expect(page.locator("#events li").filter(has_text="twinshop heal").first).to_be_visible()


def test_another_site_cannot_use_the_room(address: str, browser: Browser, arms: dict[str, Arm]) -> None:
    context = browser.new_context()
    stranger = context.new_page()
    stranger.goto(arms["monolith"].url)  # another origin on the same machine

    outcome = stranger.evaluate(
        """(url) => new Promise((resolve) => {
            const socket = new WebSocket(url);
            socket.onopen = () => resolve("open");
            socket.onerror = () => resolve("refused");
        })""",
        re.sub("^http", "ws", address) + "/_nicegui_ws/socket.io/?EIO=4&transport=websocket",
    )

    assert outcome == "refused"
    assert context.request.post(address, headers={"Origin": "http://evil.example"}).status == 403
    assert context.request.get(address, headers={"Host": "evil.example"}).status == 403
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_room(page: Page, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page.emulate_media(color_scheme=scheme)
    page.wait_for_timeout(500)

    violations = [each for each in axe.run(page).response["violations"] if each["impact"] in ("serious", "critical")]

    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in violations] == []
