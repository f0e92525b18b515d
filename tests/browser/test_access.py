"""Everybody can use the pages: by keyboard, on a phone, in the dark, with a screen reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.arms import Arm
from tests.browser.test_shopping import stocked
from tests.browser.visitor import DESK, PHONE, Scheme, Visitor, visiting
from tests.journeys.shop import Admin

LONGEST_WALK = 60


def walk_to(page: Page, name: str) -> None:
    """Press Tab until the element of this accessible name has the focus."""
    for _ in range(LONGEST_WALK):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")
        if str(focused).strip().startswith(name):
            return
    raise AssertionError(f"the keyboard does not reach '{name}'")


def pages_of(visitor: Visitor, name: str) -> list[tuple[str, str]]:
    """Return (title, address) of every kind of page, after a first order has filled them."""
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)
    visitor.orders()
    visitor.sees_order("Confirmed")
    order = (visitor.latest_order.get_by_role("link").get_attribute("href") or "").removeprefix("#/order/")
    visitor.opens()
    visitor.searches(name)
    visitor.puts_into_cart(name)
    product = visitor.page.locator(".card a").first.get_attribute("href") or ""
    return [
        ("All products", "#/"),
        (name, product),
        ("Your cart", "#/cart"),
        ("Your orders", "#/orders"),
        (f"Order {order[-8:]}", f"#/order/{order}"),
        ("Nothing for “hedphones”", "#/?query=hedphones"),
        ("Your messages", "#/messages"),
        ("There is no such page", "#/product/NO-SUCH-CHAIR"),
    ]


def test_an_order_is_placed_by_keyboard_alone(visitor: Visitor, admin: Admin) -> None:
    name, page = stocked(admin, 5), visitor.page
    visitor.opens()
    visitor.signs_in()
    page.locator("body").press("Home")

    walk_to(page, "Skip to content")
    page.get_by_label("Search products").focus()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    walk_to(page, f"Add: {name}")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Home")
    page.get_by_role("link", name="Twinshop, start page").focus()
    walk_to(page, "Cart")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Your cart")).to_be_visible()
    walk_to(page, "Place the order")
    page.keyboard.press("Enter")

    visitor.sees_order("Confirmed")


def test_the_skip_link_leads_into_the_page_that_is_open(visitor: Visitor) -> None:
    visitor.opens("#/cart")
    walk_to(visitor.page, "Skip to content")

    visitor.page.keyboard.press("Enter")

    expect(visitor.page.locator("main")).to_be_focused()
    expect(visitor.page.get_by_role("heading", level=1, name="Your cart")).to_be_visible()


def test_a_page_change_moves_the_focus_to_the_new_page(visitor: Visitor) -> None:
    visitor.opens()

    visitor.page.get_by_role("link", name="Kitchen").click()

    expect(visitor.page.get_by_role("heading", level=1, name="Kitchen")).to_be_visible()
    expect(visitor.page.locator("main")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    browser: Browser, arm: Arm, admin: Admin, scheme: Scheme, size: dict[str, int]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    with visiting(browser, arm.url, arm.outside_url("identity"), size, scheme) as visitor:
        visitor.may_be_refused = True  # the 404
        for title, address in pages_of(visitor, stocked(admin, 5)):
            visitor.page.goto(f"/{address}")
            expect(visitor.page.get_by_role("heading", level=1, name=title)).to_be_visible()

            violations = axe.run(visitor.page, options={"resultTypes": ["violations"]}).response["violations"]
            wide = visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")

            assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == [], title
            assert wide <= 0, f"{title} scrolls sideways by {wide} pixels"
        visitor.leaves_no_trouble()
