"""What an admin does while people buy: prices change, stock is replenished; and which total a customer was shown."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from loadtests.load.generator.history import OrderCall
from loadtests.load.users.world import Catalogue, Customer

# Changes meet purchases only where both are many: of a thousand products these fifty get four of ten picks.
CHANGED_PRODUCTS = 50
NEW_PRICE = (0.8, 1.25)  # times the price that the load found
MAX_RESTOCK = 20
NAMES_A_TOTAL, FROM_AN_OLD_PAGE = 0.5, 0.2


@dataclass
class Market:
    """The products that an admin changes, and their last two prices, as far as this process knows of its own changes.

    `popular` begins with what sells most.
    """

    catalogue: Catalogue
    admin: Customer
    popular: tuple[str, ...]
    _pages: dict[str, deque[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.changed = self.popular[:CHANGED_PRODUCTS]
        for sku, product in self.catalogue.products.items():
            self._pages[sku] = deque([product["price"]["amount"]], maxlen=2)

    def new_price(self, rng: random.Random, sku: str) -> dict[str, Any]:
        """Return the body of PUT /products/{sku}: all as it was, at another price."""
        product = self.catalogue.products[sku]
        amount = max(1, round(product["price"]["amount"] * rng.uniform(*NEW_PRICE)))
        unchanged = {name: product[name] for name in ("name", "description", "category")}
        return unchanged | {"price": {"amount": amount, "currency": product["price"]["currency"]}}

    def price_is(self, sku: str, amount: int) -> None:
        """Remember a price that was set: customers are shown it from now on."""
        self._pages[sku].append(amount)

    def expected_total(self, rng: random.Random, lines: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the field of POST /orders that says what the customer was shown; some names none, some an old one."""
        if rng.random() >= NAMES_A_TOTAL:
            return {}
        page = 0 if rng.random() < FROM_AN_OLD_PAGE else -1
        amount = sum(self._pages[line["sku"]][page] * line["quantity"] for line in lines)
        currency = self.catalogue.products[lines[0]["sku"]]["price"]["currency"]
        return {"expected_total": {"amount": amount, "currency": currency}}

    def opening_prices(self) -> Iterator[OrderCall]:
        """Yield what the client's history begins with: the prices that were there, of all that will change."""
        began, ended = self.catalogue.read_between
        for sku in self.changed:
            body = {"price": self.catalogue.products[sku]["price"]}
            yield OrderCall("price", began, ended, self.admin.subject, "", body, sku, 200, "", "")
