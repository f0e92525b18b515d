"""A visitor of the shop's pages: what a customer does there, in a customer's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
CUSTOMER = "Mei Tanaka"
# Chromium reports every answer from 400 on as an error of the console, also a refusal that the page expects.
REFUSED = re.compile(r"Failed to load resource: (the server responded with a status of (4\d\d|50[34])|net::ERR_FAILED)")

# Chromium drops what it is loading whenever an interface comes or goes, such as that of a container beside the tests.
NETWORK_CHANGED = "ERR_NETWORK_CHANGED"

Scheme = Literal["light", "dark"]


@dataclass
class Visitor:
    """One page, and everything that went wrong on it. `may_be_refused`: answers from 400 on belong to the test."""

    page: Page
    hosts: set[str]
    may_be_refused: bool = False
    errors: list[str] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)

    def watch(self) -> None:
        """Listen to the console and to the network."""
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._on_request(request.url))

    def leaves_no_trouble(self) -> None:
        """Fail if the console had errors, or if anything came from another host."""
        assert not self.errors
        assert not self.strangers

    def opens(self, path: str = "#/") -> None:
        """Go to a page of the shop."""
        self.page.goto("about:blank")  # only the part behind # differs: without this, the old page would still be seen
        opens(self.page, f"/{path}", self.page.get_by_role("heading", level=1))

    def signs_in(self, customer: str = CUSTOMER) -> None:
        """Choose a demo customer."""
        with self.page.expect_response(re.compile(r"/tokens$")):
            self.page.get_by_label("Signed in as").select_option(label=customer)

    def searches(self, words: str) -> None:
        """Type into the search field and press Enter."""
        self.page.get_by_label("Search products").fill(words)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(words)

    def types(self, words: str) -> None:
        """Type into the search field letter by letter, and do nothing more."""
        self.page.get_by_label("Search products").press_sequentially(words, delay=30)

    def puts_into_cart(self, name: str) -> None:
        """Press the button of a product that is on the page."""
        self.page.get_by_role("button", name=f"Add: {name}").first.click()
        self.is_told(f"{name} is in your cart.")

    def orders(self, payment: str = "Test card that works") -> None:
        """Go to the cart and place the order."""
        self.page.get_by_role("link", name=re.compile("^Cart")).click()
        self.page.get_by_label(payment).check()
        self.page.get_by_role("button", name="Place the order").click()

    def is_told(self, words: str) -> None:
        """Wait for a notice."""
        expect(self.page.get_by_role("status")).to_contain_text(words, timeout=15_000)

    @property
    def latest_order(self) -> Locator:
        """The first card on the page of orders."""
        return self.page.locator(".order").first

    def sees_order(self, words: str, within_s: float = 20) -> None:
        """Wait until the latest order says this."""
        expect(self.latest_order).to_contain_text(words, timeout=within_s * 1000)

    def _on_console(self, message: ConsoleMessage) -> None:
        if is_trouble(message) and not (self.may_be_refused and REFUSED.match(message.text)):
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _on_request(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme in ("http", "https") and address.netloc not in self.hosts:
            self.strangers.add(url)


def is_trouble(message: ConsoleMessage) -> bool:
    """Whether a page's console has an error that is the page's own."""
    return message.type == "error" and NETWORK_CHANGED not in message.text


def opens(page: Page, address: str, sign: Locator) -> None:
    """Go to an address and wait for a sign that the page is there; once more if the network changed meanwhile."""
    page.goto(address)
    try:
        expect(sign).to_be_visible(timeout=10_000)
    except AssertionError:
        page.goto("about:blank")
        page.goto(address)
        expect(sign).to_be_visible(timeout=20_000)


@contextmanager
def visiting(
    browser: Browser,
    shop_url: str,
    identity_url: str,
    size: dict[str, int],
    scheme: Scheme = "light",
    locale: str = "en-US",
) -> Iterator[Visitor]:
    """Open a fresh page of this size, in a browser that remembers nothing."""
    context = browser.new_context(
        base_url=shop_url,
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme=scheme,
        locale=locale,
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    try:
        visitor = Visitor(context.new_page(), {urlsplit(shop_url).netloc, urlsplit(identity_url).netloc})
        visitor.watch()
        yield visitor
    finally:
        context.close()
