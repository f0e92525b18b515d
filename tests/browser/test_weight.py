"""The first view is light: what is sent, and how long the shop takes for it on the seeded catalogue."""

from __future__ import annotations

from playwright.sync_api import Response, expect

from tests.arms import Arm
from tests.browser.visitor import Visitor

MOST_BYTES = 150_000
AIM_MS = 100.0


def test_the_first_view_transfers_less_than_150_kb(visitor: Visitor, arm: Arm) -> None:
    answers: list[Response] = []

    def keep(answer: Response) -> None:  # Playwright cannot take a method of a built-in type
        answers.append(answer)

    visitor.page.on("response", keep)

    visitor.opens()
    expect(visitor.page.locator(".card")).to_have_count(24)
    visitor.page.wait_for_load_state("networkidle")

    sizes = [answer.request.sizes() for answer in answers]
    transferred = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
    # What the shop takes until the first byte; the machine is shared, so it is told and not judged.
    waits_ms = [(t["responseStart"] - t["requestStart"]) for t in (answer.request.timing for answer in answers)]
    slowest_ms = max(waits_ms)
    verdict = "as it should" if slowest_ms < AIM_MS else f"MORE THAN {AIM_MS:.0f} ms"
    print(  # noqa: T201  (a figure of the test's report)
        f"{arm.name}: first view {transferred / 1000:.0f} kB in {len(answers)} answers; "
        f"slowest {slowest_ms:.0f} ms ({verdict}), sum {sum(waits_ms):.0f} ms"
    )
    assert transferred < MOST_BYTES
