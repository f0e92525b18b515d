"""Search: while one types, over the history, without JavaScript, and what is said where nothing is found."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Request, Route, expect

from tests.arms import Arm
from tests.browser.visitor import Visitor


def heading(visitor: Visitor, words: str) -> None:
    """Wait until the page has this heading."""
    expect(visitor.page.get_by_role("heading", level=1, name=words)).to_be_visible()


def test_a_pause_in_typing_asks_once_and_tells_how_many_were_found(visitor: Visitor) -> None:
    paths: list[str] = []
    visitor.opens()
    visitor.page.on("request", lambda request: paths.append(urlsplit(request.url).path))

    visitor.types("table lamp")

    heading(visitor, "Products for “table lamp”")
    expect(visitor.page.locator("#spoken")).to_have_text(re.compile(r"^\d+ products? for table lamp$"))
    assert [path for path in paths if not path.startswith("/storefront/")] == ["/products"]
    expect(visitor.page.get_by_label("Search products")).to_be_focused()
    assert visitor.page.locator(".picture").evaluate_all("all => [...new Set(all.map(one => one.dataset.kind))]") == [
        "table lamp"
    ]


def test_the_way_back_leads_to_where_the_search_began(visitor: Visitor) -> None:
    visitor.opens("#/?category=Kitchen")
    visitor.types("sofa")
    heading(visitor, "Products for “sofa”")
    visitor.types(" oak")
    heading(visitor, "“sofa oak”")

    visitor.page.go_back()

    heading(visitor, "Kitchen")
    expect(visitor.page.get_by_label("Search products")).to_have_value("")
    visitor.page.go_forward()
    heading(visitor, "“sofa oak”")
    expect(visitor.page.get_by_label("Search products")).to_have_value("sofa oak")


def test_typing_on_takes_the_question_back(visitor: Visitor) -> None:
    aborted: list[str] = []
    pending: list[Route] = []
    visitor.opens()
    visitor.page.on("requestfailed", lambda request: aborted.append(words_of(request)))

    def hold(route: Route) -> None:  # Playwright cannot take a method of a built-in type
        pending.append(route)

    visitor.page.route(re.compile(r"/products\?.*query=kettle$"), hold)

    with visitor.page.expect_request(re.compile("query=kettle$")):
        visitor.types("kettle")
    visitor.types("bell")

    heading(visitor, "Products for “kettlebell”")
    assert aborted == ["kettle"]
    pending[0].abort()


def words_of(request: Request) -> str:
    """Return what a request searched for."""
    return parse_qs(urlsplit(request.url).query)["query"][0]


def test_half_a_word_finds_what_it_may_become(visitor: Visitor) -> None:
    visitor.opens()

    visitor.types("headph")

    heading(visitor, "Products for “headph”")
    expect(visitor.page.locator(".card").first).to_contain_text("Headphones")


def test_where_nothing_is_found_the_page_says_what_to_try(visitor: Visitor) -> None:
    visitor.opens()

    visitor.types("hedphones zzyzx")

    heading(visitor, "Nothing for “hedphones zzyzx”")
    main = visitor.page.get_by_role("main")
    expect(main.get_by_text("No product has all these words")).to_be_visible()
    expect(main.get_by_role("link", name="“headphones zzyzx”")).to_be_visible()
    expect(main.locator(".empty").get_by_role("link", name="Audio")).to_be_visible()
    expect(main.get_by_role("link", name="all products")).to_be_visible()
    main.get_by_role("link", name="“headphones”").click()
    heading(visitor, "Products for “headphones”")


def test_without_javascript_the_form_asks_the_api(browser: Browser, arm: Arm) -> None:
    context = browser.new_context(base_url=arm.url, java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto("/")

        page.get_by_label("Search products").fill("alarm clock")
        page.keyboard.press("Enter")

        page.wait_for_url("**/products?query=alarm+clock")
        expect(page.locator("body")).to_contain_text("Alarm Clock")
    finally:
        context.close()
