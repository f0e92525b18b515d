"""What a product looks like: its picture, its stock, its price in the visitor's own way of writing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.arms import Arm
from tests.browser.test_shopping import stocked
from tests.browser.visitor import DESK, Visitor, visiting
from tests.journeys.shop import Admin


def kinds_on(page: Page) -> list[tuple[str, str]]:
    """Return (kind that is drawn, name in lower case) of each product on the page."""
    script = "all => all.map(one => [one.querySelector('.picture').dataset.kind, one.querySelector('.name').innerText])"
    return [(kind, name.lower()) for kind, name in page.locator(".card").evaluate_all(script)]


@pytest.mark.parametrize("category", ["Audio", "Kitchen", "Stationery"])
def test_a_product_is_drawn_as_what_its_name_says(visitor: Visitor, category: str) -> None:
    visitor.opens(f"#/?category={category}")

    pairs = kinds_on(visitor.page)

    assert len(pairs) == 24
    assert [name for kind, name in pairs if f" {kind}," not in name] == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Wren Alarm Clock No. 2, navy", "alarm clock"),
        ("Armchair", "armchair"),
        ("Lund Desk Lamp, brass", "desk lamp"),
        ("Alarm Clock Radio, red", None),
        ("Chopping Board Oil", None),
        ("constructor", None),
    ],
)
def test_the_kind_is_what_stands_last_in_the_name_before_the_finish(
    visitor: Visitor, name: str, kind: str | None
) -> None:
    visitor.opens("#/cart")

    of_name = visitor.page.evaluate("async (name) => (await import('/storefront/pictures.js')).kindOf(name)", name)

    assert of_name == kind


def test_a_product_of_no_known_kind_is_a_parcel(visitor: Visitor, admin: Admin) -> None:
    name = stocked(admin, 1)  # "Crunchy Armchair" with a number at the end
    visitor.opens()
    visitor.searches(name)

    assert kinds_on(visitor.page) == [("parcel", name.lower())]


@pytest.mark.parametrize(
    ("pieces", "words"),
    [(0, "Sold out"), (3, "Only 3 left in stock"), (12, "12 in stock"), (101, "More than 100 in stock")],
)
def test_a_product_says_how_many_there_are(visitor: Visitor, admin: Admin, pieces: int, words: str) -> None:
    name = stocked(admin, pieces)
    visitor.opens()
    visitor.searches(name)

    visitor.page.get_by_role("link", name=name).click()

    expect(visitor.page.locator("article .stock")).to_have_text(words)
    expect(visitor.page.locator("article")).to_contain_text("Made for one person and one long book.")


@pytest.mark.parametrize(
    ("locale", "price"), [("de-DE", "199,00\u00a0€"), ("ja-JP", "€199.00"), ("fr-FR", "199,00\u00a0€")]
)
def test_prices_are_written_as_the_visitor_does(
    browser: Browser, arm: Arm, admin: Admin, locale: str, price: str
) -> None:
    name = stocked(admin, 1)
    with visiting(browser, arm.url, arm.outside_url("identity"), DESK, locale=locale) as visitor:
        visitor.opens()
        visitor.searches(name)

        text = visitor.page.locator(".card .price").evaluate("price => price.firstChild.data")

        assert text == price
        yen = visitor.page.evaluate(
            "async () => (await import('/storefront/views.js')).money({amount: 123, currency: 'JPY'})"
        )
        assert re.findall(r"\d+", yen) == ["123"]  # a yen has no hundredths
        visitor.leaves_no_trouble()
