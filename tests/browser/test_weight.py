"""The first view is light: what is sent, and how long the shop takes for it on the seeded catalogue."""

from __future__ import annotations

from playwright.sync_api import Response, expect

from tests.arms import Arm
from tests.browser.visitor import Visitor

MOST_BYTES = 100_000
AIM_MS = 150.0


def test_the_first_view_transfers_less_than_100_kb(visitor: Visitor, arm: Arm) -> None:
    answers: list[Response] = []

    def keep(answer: Response) -> None:  # Playwright cannot take a method of a built-in type
        answers.append(answer)

    visitor.page.on("response", keep)

    visitor.opens()
    expect(visitor.page.locator(".card")).to_have_count(24)
    visitor.page.wait_for_load_state("networkidle")

    sizes = [answer.request.sizes() for answer in answers]
    transferred = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
    # Until all cards are drawn; the machine is shared, so it is told and not judged.
    paint_ms = [first_cards_ms(visitor) for _ in range(5)]
    verdict = "as it should" if min(paint_ms) < AIM_MS else f"MORE THAN {AIM_MS:.0f} ms"
    print(  # noqa: T201  (a figure of the test's report)
        f"{arm.name}: first view {transferred / 1000:.0f} kB in {len(answers)} answers; "
        f"best of five {min(paint_ms):.0f} ms ({verdict}), worst {max(paint_ms):.0f} ms"
    )
    assert transferred < MOST_BYTES


def first_cards_ms(visitor: Visitor) -> float:
    """Return the time in ms from the start of a navigation in a browser that knows nothing of it to the first card."""
    browser = visitor.page.context.browser
    assert browser is not None
    page = browser.new_page(base_url=visitor.page.url)
    page.add_init_script(
        "new MutationObserver(() => { if (document.querySelector('.card')) window.drawn ??= performance.now(); })"
        ".observe(document, {childList: true, subtree: true})"
    )
    page.goto("/")
    expect(page.locator(".card").first).to_be_visible()
    paint_ms = float(page.evaluate("window.drawn"))
    page.close()
    return paint_ms
