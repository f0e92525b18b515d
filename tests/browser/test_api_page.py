"""The page of the API in a browser: it draws every route of the contract, and asks this build and nobody else."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.contract.spec import operations


def test_every_route_of_the_contract_is_drawn_and_can_be_tried(visitor: Visitor) -> None:
    page = visitor.page

    page.goto("/docs")

    expect(page.locator(".opblock")).to_have_count(len(operations()))
    page.locator("#operations-catalog-list_categories .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/categories") as answer:
        page.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200
