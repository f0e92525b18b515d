"""A part of the shop is away: the pages say so in a customer's words, and go on with what works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.arms import Arm
from tests.browser.test_shopping import stocked
from tests.browser.visitor import Visitor
from tests.journeys.shop import Admin
from tests.journeys.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.long]  # `make test` has twelve minutes; `make test-all` runs these


@pytest.fixture
def without_payments(arm: Arm, admin: Admin) -> Iterator[None]:
    """Payments are away: in the monolith with all the rest, since they are one process."""
    part = arm.part_of("payments")
    arm.runner.hold(part, kill=True)
    try:
        yield
    finally:
        arm.runner.release(part)
        until("the shop lists products", lambda: admin.get("/categories").status_code == 200)


def test_without_payments_the_services_sell_and_say_that_a_mail_will_come(
    visitor: Visitor, arm: Arm, admin: Admin, request: pytest.FixtureRequest
) -> None:
    if arm.name == "monolith":
        pytest.skip("one process: the next test is about it")
    name = stocked(admin, 3)
    request.getfixturevalue("without_payments")
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)

    visitor.orders()

    visitor.is_told("we will mail you")
    visitor.sees_order("Payment pending")
    arm.runner.release("payments")
    visitor.sees_order("Confirmed", within_s=40)


def test_without_the_monolith_its_page_says_so_and_works_again_later(
    visitor: Visitor, arm: Arm, request: pytest.FixtureRequest
) -> None:
    if arm.name != "monolith":
        pytest.skip("a service alone does not take the page away")
    visitor.may_be_refused = True  # the 503
    visitor.opens()
    request.getfixturevalue("without_payments")

    visitor.page.get_by_role("link", name="Kitchen").click()

    expect(visitor.page.get_by_text("A part of the shop is having a rest.")).to_be_visible(timeout=15_000)
    arm.runner.release("web")
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.locator(".card").first).to_be_visible()


def test_a_bank_that_is_away_leaves_the_order_pending(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 3)
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)
    admin.shop.provider.behave(error_share=1.0)
    try:
        visitor.orders()
        visitor.is_told("we will mail you")
        visitor.sees_order("Payment pending")
    finally:
        admin.shop.provider.heal()

    visitor.sees_order("Confirmed", within_s=40)


def test_without_the_catalog_nothing_is_ordered_and_the_cart_stays(visitor: Visitor, arm: Arm, admin: Admin) -> None:
    name = stocked(admin, 3)
    visitor.may_be_refused = True  # the 503
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)
    database = arm.database_of("catalog")
    arm.runner.hold(database, kill=True)
    try:
        visitor.orders()
        visitor.is_told("Nothing was ordered or charged.")
        expect(visitor.page.get_by_role("link", name=name)).to_be_visible()
    finally:
        arm.runner.release(database)
        until("the shop lists products", lambda: admin.get("/categories").status_code == 200)
