"""An order that waits for the bank is seen as such wherever one looks, with what happens next, until it is settled."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.test_shopping import stocked
from tests.browser.visitor import Visitor
from tests.journeys.shop import Admin


def pays_by_a_late_bank(visitor: Visitor, admin: Admin) -> None:
    """Order something with the card whose bank answers later."""
    name = stocked(admin, 5)
    visitor.opens()
    visitor.signs_in("Samir Haddad")
    visitor.searches(name)
    visitor.puts_into_cart(name)
    visitor.orders("Test card whose bank answers later")
    visitor.sees_order("Payment pending")


def test_a_pending_order_is_marked_on_every_page_and_says_what_comes_next(visitor: Visitor, admin: Admin) -> None:
    page = visitor.page

    pays_by_a_late_bank(visitor, admin)

    expect(page.get_by_text("One order waits for your bank. You need not do anything")).to_be_visible()
    visitor.latest_order.get_by_role("link").click()
    steps = page.get_by_role("list", name="How far your order is").get_by_role("listitem")
    expect(steps).to_contain_text(
        [
            "Done: Order received",
            "Now: Your bank has not answered yet.",
            "Next: Once your bank has answered we mail you",
        ]
    )
    expect(page.locator("[aria-current=step]")).to_contain_text("Your bank has not answered yet")
    page.get_by_role("link", name="Messages").click()
    expect(page.get_by_role("link", name="Orders 1 pending")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(": Confirmed.", timeout=40_000)  # wherever one is by then
    expect(page.locator("#pending-count")).to_be_empty()


def test_the_page_of_an_order_follows_by_itself(visitor: Visitor, admin: Admin) -> None:
    page = visitor.page
    pays_by_a_late_bank(visitor, admin)

    visitor.latest_order.get_by_role("link").click()

    expect(page.locator(".steps")).to_contain_text("Now: Your bank has not answered yet")
    expect(page.locator(".steps")).to_contain_text("Done: Confirmed", timeout=40_000)
    expect(page.locator("#spoken")).to_contain_text(": Confirmed.")


def test_a_page_that_is_drawn_anew_gives_the_focus_back(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 9)
    visitor.opens()
    visitor.searches(name)
    visitor.puts_into_cart(name)
    visitor.opens("#/cart")
    quantity = visitor.page.get_by_label(f"Quantity of {name}")

    quantity.focus()
    visitor.page.keyboard.press("ArrowUp")
    visitor.page.keyboard.press("Enter")

    expect(visitor.page.locator("#cart-count")).to_have_text("2")
    expect(quantity).to_be_focused()
