"""A customer at work: finds, buys, cancels, reads; and what is said when the money does not come at once."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.arms import Arm
from tests.browser.visitor import Visitor
from tests.journeys.shop import Admin, fresh


def stocked(admin: Admin, pieces: int) -> str:
    """Put a product with a name of its own on the shelf, and return the name."""
    name = fresh("Crunchy Armchair").replace("-", " ")
    sku = admin.stocks("ROOM", stock=pieces)
    admin.put_product(sku, name=name)
    return name


def test_the_badge_says_which_build_serves_the_page(visitor: Visitor, arm: Arm) -> None:
    visitor.opens()

    expect(visitor.page.locator("#build")).to_have_text(arm.name)


def test_a_customer_searches_buys_cancels_and_reads_the_messages(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 5)
    page = visitor.page
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name=f"Add to the cart: {name}").click()
    expect(page.locator("#cart-count")).to_have_text("1")

    visitor.orders()

    visitor.is_told("Thank you. Your order is confirmed.")
    visitor.sees_order("Confirmed")
    visitor.sees_order(name)
    expect(page.locator("#cart-count")).to_have_text("0")
    page.once("dialog", lambda dialog: dialog.dismiss())  # asked whether they mean it, they do not
    visitor.latest_order.get_by_role("button", name="Cancel this order").click()
    visitor.sees_order("Confirmed")
    page.once("dialog", lambda dialog: dialog.accept())
    visitor.latest_order.get_by_role("button", name="Cancel this order").click()
    visitor.sees_order("Cancelled")
    number = re.search(r"Order (\w{8}) of", visitor.latest_order.inner_text())
    assert number is not None
    page.get_by_role("link", name="Messages").click()
    expect(page.get_by_role("heading", level=1, name="Your messages")).to_be_visible()
    expect(page.get_by_text(re.compile("confirmed", re.IGNORECASE)).first).to_be_visible()
    expect(page.get_by_text(f"Order {number[1]}.").first).to_be_visible()


def test_more_of_the_shelf_is_shown_on_request(visitor: Visitor) -> None:
    visitor.opens()
    cards = visitor.page.locator(".card")
    expect(cards).to_have_count(24)

    visitor.page.get_by_role("button", name="Show more").click()

    expect(cards).to_have_count(48)


def test_the_cart_survives_a_reload_and_forgets_what_is_taken_out(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 5)
    visitor.opens()
    visitor.searches(name)
    visitor.puts_into_cart(name)

    visitor.opens("#/cart")
    visitor.page.reload()
    expect(visitor.page.get_by_role("link", name=name)).to_be_visible()
    visitor.page.get_by_label(f"Quantity of {name}").fill("0")
    visitor.page.keyboard.press("Tab")

    expect(visitor.page.get_by_text("Nothing in it yet.")).to_be_visible()


def test_a_declined_card_is_told_and_the_cart_stays(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 5)
    visitor.may_be_refused = True  # the 402
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)

    visitor.orders("Test card that is declined")

    visitor.is_told("The payment was declined. Choose another way to pay.")
    expect(visitor.page.get_by_role("link", name=name)).to_be_visible()


def test_who_is_not_signed_in_is_asked_to(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 5)
    visitor.opens()
    visitor.searches(name)
    visitor.puts_into_cart(name)

    visitor.orders()

    visitor.is_told("Please sign in first")
    expect(visitor.page.get_by_label("Signed in as")).to_be_focused()


def test_a_slow_bank_leaves_the_order_pending_until_it_settles(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 5)
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)

    visitor.orders("Test card whose bank answers later")

    visitor.is_told("Your bank has not answered yet; we will mail you.")
    visitor.sees_order("Confirmed", within_s=30)  # the page looks again by itself
    expect(visitor.page.locator("#notice")).to_be_hidden(timeout=1000)  # and takes back what is true no more


def test_what_is_sold_out_cannot_be_put_into_the_cart(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 0)
    visitor.opens()
    visitor.searches(name)

    expect(visitor.page.get_by_role("button", name=f"Sold out: {name}")).to_be_disabled()


def test_who_comes_too_late_for_the_last_piece_is_told(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 1)
    visitor.may_be_refused = True  # the 409
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)
    product = admin.shop.http.get("/products", params={"query": name}).json()["items"][0]
    admin.shop.customer().buy((product["sku"], 1))

    visitor.orders()

    visitor.is_told("sold out")


def test_a_changed_price_is_shown_before_anything_is_charged(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 3)
    visitor.may_be_refused = True  # the 409
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)
    product = admin.shop.http.get("/products", params={"query": name}).json()["items"][0]
    admin.put_product(product["sku"], name=name, price=20_500)

    visitor.orders()

    visitor.is_told("A price has changed")
    expect(visitor.page.locator(".total")).to_contain_text("€205.00")
