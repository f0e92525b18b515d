"""Closed-loop users for plain `locust`: people who look, think, and sometimes buy."""

from __future__ import annotations

import random

from locust import tag, task

from loadtests.load.users.shop_user import ShopUser
from loadtests.load.users.traffic import MIXES, Journey

_SHOPPING = {journey: round(1000 * weight) for journey, weight in MIXES["shopping"].weights.items()}


class ClosedLoopUser(ShopUser):
    """Asks, waits for the answer, thinks, asks again: while the shop stalls, its users ask nothing."""

    abstract = True

    def wait_time(self) -> float:
        """Return how long to think, in seconds: half to one and a half times the mean."""
        return float(self.environment.parsed_options.think) * random.uniform(0.5, 1.5)

    def visit(self, journey: Journey) -> None:
        """Send the next request of this journey."""
        number = next(self.numbers)
        self.perform(self.journeys.draw_of(journey, number), number)


class Shopper(ClosedLoopUser):
    """The `shopping` mix with time to think."""

    @tag("browse")
    @task(_SHOPPING["product"])
    def look_at_a_product(self) -> None:
        """GET /products/{sku}"""
        self.visit("product")

    @tag("browse")
    @task(_SHOPPING["list"])
    def list_products(self) -> None:
        """GET /products"""
        self.visit("list")

    @tag("browse")
    @task(_SHOPPING["search"])
    def search(self) -> None:
        """GET /products?query="""
        self.visit("search")

    @tag("browse")
    @task(_SHOPPING["category"])
    def browse_a_category(self) -> None:
        """GET /products?category="""
        self.visit("category")

    @tag("browse")
    @task(_SHOPPING["categories"])
    def list_categories(self) -> None:
        """GET /categories"""
        self.visit("categories")

    @tag("account")
    @task(_SHOPPING["own_orders"])
    def look_at_own_orders(self) -> None:
        """GET /orders"""
        self.visit("own_orders")

    @tag("account")
    @task(_SHOPPING["notifications"])
    def read_notifications(self) -> None:
        """GET /notifications"""
        self.visit("notifications")

    @tag("buy")
    @task(_SHOPPING["order"])
    def buy(self) -> None:
        """POST /orders"""
        self.visit("order")


class Buyer(ClosedLoopUser):
    """Whole purchases: find a product, look at it, buy, look at one's orders, and now and then change one's mind."""

    @tag("buy")
    @task(9)
    def purchase(self) -> None:
        """GET /products?query=, GET /products/{sku}, POST /orders, GET /orders"""
        for journey in ("search", "product", "order", "own_orders"):
            self.visit(journey)
            self.wait()  # type: ignore[no-untyped-call]

    @tag("buy")
    @task(1)
    def change_ones_mind(self) -> None:
        """POST /orders/{id}/cancel"""
        self.visit("cancel")
