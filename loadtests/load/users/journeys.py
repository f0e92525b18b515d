"""The requests of each journey, drawn by seed: the same number of an arrival gives the same request."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any
from urllib.parse import quote

from loadtests.load.generator.history import OrderCall
from loadtests.load.users.market import MAX_RESTOCK, Market
from loadtests.load.users.popularity import Popularity
from loadtests.load.users.traffic import Journey, Mix
from loadtests.load.users.world import Catalogue, Customer

LIST_LIMIT = 20
MAX_ORDER_LINES = 3
MAX_ORDER_QUANTITY = 3
# Orders that a cancel may take; older ones are forgotten.
CANCELLABLE_KEPT = 1_000
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Request:
    """One HTTP request. `name` is its row in Locust's tables, beside the method: never one row a product."""

    journey: Journey
    name: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    customer: str = ""
    key: str = ""
    about: str = ""  # the sku, or the order's id

    @property
    def payload(self) -> str | None:
        """The body as JSON."""
        return None if self.body is None else json.dumps(self.body)


SIMPLE: dict[Journey, Request] = {
    "list": Request("list", "/products", "GET", f"/products?limit={LIST_LIMIT}"),
    "categories": Request("categories", "/categories", "GET", "/categories"),
}


class Journeys:
    """Draws requests of a mix. `run` makes idempotency keys unique over runs on the same data."""

    def __init__(
        self,
        mix: Mix,
        catalogue: Catalogue,
        buyers: Sequence[Customer],
        *,
        run: str,
        seed: int,
        payment_methods: dict[str, float] | None = None,
        signed_in: bool = False,
        admin: Customer | None = None,
    ) -> None:
        """With `signed_in` those who only look around do so under their names, as orders are placed anyway.

        A mix that changes products needs an `admin`; without one it has no market.
        """
        self._catalogue = catalogue
        self._buyers = buyers
        self._by_subject = {buyer.subject: buyer for buyer in buyers}
        self._run, self._signed_in = run, signed_in
        self._seed = seed
        self._popularity = Popularity(catalogue.skus)
        self.market = Market(catalogue, admin, self._popularity.ranking) if admin else None
        self._journeys = list(mix.weights)
        self._cumulative = list(accumulate(mix.weights.values()))
        methods = payment_methods or {"pm_ok": 1.0}
        self._methods, self._method_weights = list(methods), list(accumulate(methods.values()))
        self._cancellable: deque[tuple[str, Customer]] = deque(maxlen=CANCELLABLE_KEPT)

    def draw(self, index: int) -> Request:
        """Return the request of arrival number `index`, of a journey drawn from the mix."""
        rng = random.Random((self._seed << 40) | index)
        return self._make(rng.choices(self._journeys, cum_weights=self._cumulative)[0], rng, index)

    def draw_of(self, journey: Journey, index: int) -> Request:
        """Return the request of arrival number `index` for this journey."""
        return self._make(journey, random.Random((self._seed << 40) | index), index)

    def opening_prices(self) -> Iterator[OrderCall]:
        """Yield the prices that were there before this load changed any, for the history; none if it changes none."""
        return self.market.opening_prices() if self.market else iter(())

    def succeeded(self, request: Request, judgement_code: str, order_id: str) -> None:
        """Remember what later requests build on: an order that can be cancelled, a price that customers are shown."""
        if request.journey == "order" and judgement_code == "confirmed":
            self._cancellable.append((order_id, self._by_subject[request.customer]))
        elif request.journey == "price" and self.market and request.body:
            self.market.price_is(request.about, request.body["price"]["amount"])

    def _make(self, journey: Journey, rng: random.Random, index: int) -> Request:
        match journey:
            case "list" | "categories":
                request = SIMPLE[journey]
            case "category":
                request = self._category(rng)
            case "search":
                request = self._search(rng)
            case "product":
                request = self._product(rng)
            case "recommendations":
                page = self._product(rng)
                name, path = f"{page.name}/recommendations", f"{page.path}/recommendations"
                request = replace(page, journey=journey, name=name, path=path)
            case "own_orders" | "notifications":
                request = self._own(journey, rng)
            case "order":
                request = self._order(rng, index)
            case "cancel":
                # Before the first order is confirmed there is nothing to cancel: buy instead.
                request = self._cancel() if self._cancellable else self._order(rng, index)
            case "price" | "restock":
                request = self._change(journey, rng, index)
        if self._signed_in and not request.customer:
            buyer = rng.choice(self._buyers)
            request = replace(request, headers=request.headers | _bearer(buyer), customer=buyer.subject)
        return request

    def _category(self, rng: random.Random) -> Request:
        category = rng.choice(self._catalogue.categories)
        path = f"/products?category={quote(category)}&limit={LIST_LIMIT}"
        return Request("category", "/products?category=", "GET", path, about=category)

    def _product(self, rng: random.Random) -> Request:
        sku = self._popularity.draw(rng)
        return Request("product", "/products/{sku}", "GET", f"/products/{quote(sku)}", about=sku)

    def _own(self, journey: Journey, rng: random.Random) -> Request:
        path = "/orders" if journey == "own_orders" else "/notifications"
        buyer = rng.choice(self._buyers)
        return Request(journey, path, "GET", path, _bearer(buyer), customer=buyer.subject)

    def _search(self, rng: random.Random) -> Request:
        sku = self._popularity.draw(rng)
        word = self._catalogue.words.get(sku, "")
        path = f"/products?query={quote(word)}&limit={LIST_LIMIT}"
        return Request("search", "/products?query=", "GET", path, about=word)

    def _order(self, rng: random.Random, index: int) -> Request:
        buyer = rng.choice(self._buyers)
        skus = self._popularity.draw_distinct(rng, rng.randint(1, MAX_ORDER_LINES))
        body: dict[str, Any] = {
            "lines": [{"sku": sku, "quantity": rng.randint(1, MAX_ORDER_QUANTITY)} for sku in skus],
            "payment_method": rng.choices(self._methods, cum_weights=self._method_weights)[0],
        }
        if self.market:
            body |= self.market.expected_total(rng, body["lines"])
        key = f"{self._run}-{index}"
        headers = _bearer(buyer) | JSON | {"Idempotency-Key": key}
        return Request("order", "/orders", "POST", "/orders", headers, body, buyer.subject, key)

    def _change(self, journey: Journey, rng: random.Random, index: int) -> Request:
        if self.market is None:
            raise ValueError(f"'{journey}' needs an admin, and there is none")
        sku, admin = rng.choice(self.market.changed), self.market.admin
        path, headers = f"/products/{quote(sku)}", _bearer(admin) | JSON
        if journey == "price":
            body = self.market.new_price(rng, sku)
            return Request("price", "/products/{sku}", "PUT", path, headers, body, admin.subject, about=sku)
        key, name = f"{self._run}-{index}", "/products/{sku}/restock"
        return Request(
            "restock", name, "POST", f"{path}/restock", headers | {"Idempotency-Key": key},
            {"quantity": rng.randint(1, MAX_RESTOCK)}, admin.subject, key, sku,
        )  # fmt: skip

    def _cancel(self) -> Request:
        order_id, buyer = self._cancellable.popleft()
        return Request(
            "cancel",
            "/orders/{id}/cancel",
            "POST",
            f"/orders/{order_id}/cancel",
            _bearer(buyer),
            customer=buyer.subject,
            about=order_id,
        )


def _bearer(buyer: Customer) -> dict[str, str]:
    return {"Authorization": f"Bearer {buyer.token}"}
