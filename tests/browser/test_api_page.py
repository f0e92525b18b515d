"""The page of the API in a browser: it draws every route of the contract, and asks this build and nobody else."""

from __future__ import annotations

import json
import re
import subprocess

from playwright.sync_api import expect

from outside.provider.behaviour import _METHODS
from tests.arms import Arm
from tests.browser.visitor import Visitor
from tests.contract.spec import operations, spec


def test_every_route_of_the_contract_is_drawn_and_can_be_tried(visitor: Visitor) -> None:
    page = visitor.page

    page.goto("/docs")

    expect(page.locator(".opblock")).to_have_count(len(operations()))
    page.locator("#operations-catalog-list_categories .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/categories") as answer:
        page.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200


def test_a_reader_gets_a_token_as_the_page_says_and_buys_with_the_example_as_it_stands(
    visitor: Visitor, arm: Arm
) -> None:
    page = visitor.page
    page.goto("/docs")
    command = page.locator(".info pre", has_text="/tokens").inner_text()
    here = command.replace("http://127.0.0.1:18402", arm.outside_url("identity"))
    identity = subprocess.run(["bash", "-c", here], capture_output=True, text=True, check=True)

    page.get_by_role("button", name="Authorize").click()
    token = page.locator(".auth-container", has_text="customerToken")
    token.get_by_role("textbox").fill(json.loads(identity.stdout)["access_token"])
    token.locator("button[type=submit]").click()
    page.get_by_role("button", name="Close").first.click()
    page.locator("#operations-orders-place_order .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/orders") as answer:
        page.get_by_role("button", name="Execute").click()

    assert answer.value.status == 201
    assert answer.value.json()["lines"][0]["sku"] == "CHAIR-000001"


def test_the_page_names_every_test_card_there_is() -> None:
    assert set(re.findall(r"^\| `(pm_\w+)`", spec()["info"]["description"], re.MULTILINE)) == set(_METHODS)
