"""A shop as its customers and its admin use it: every verb of the journeys, over HTTP through the edge."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.journeys.answers import expect
from tests.journeys.outside import Identity, Mailbox, Provider
from tests.journeys.waiting import until

Line = tuple[str, int]  # sku, quantity

_numbers = itertools.count(1)
RUN = uuid.uuid4().hex[:6]  # told apart from an earlier run against the same stack


def fresh(word: str) -> str:
    """Return a name that no other test uses, and that still says what it is."""
    return f"{word}-{RUN}-{next(_numbers)}"


def new_key() -> str:
    """Return an Idempotency-Key that nobody used before."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Shop:
    """One arm: its public address, and the outside world it deals with."""

    name: str
    http: httpx.Client
    identity: Identity
    provider: Provider
    mailbox: Mailbox

    def customer(self, name: str = "crunchy-carla") -> Customer:
        """Return somebody who has never been here."""
        subject = fresh(name)
        return Customer(self, subject, self.identity.token(subject))

    def admin(self) -> Admin:
        """Return somebody with the role admin, and no customer."""
        subject = fresh("ada-the-admin")
        return Admin(self, subject, self.identity.token(subject, "admin"))

    def product(self, sku: str) -> dict[str, Any]:
        """Return a product that exists."""
        body: dict[str, Any] = expect(self.http.get(f"/products/{sku}"), 200)
        return body

    def available(self, sku: str) -> int:
        """Return how many pieces can be bought now."""
        return int(self.product(sku)["available"])


@dataclass(frozen=True)
class Customer:
    """Somebody with a token."""

    shop: Shop
    subject: str
    token: str

    @property
    def authorization(self) -> dict[str, str]:
        """The header that says who is asking."""
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, **params: Any) -> httpx.Response:
        """Read `path` as this customer."""
        return self.shop.http.get(path, params=params, headers=self.authorization)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """Send JSON to `path` as this customer, with an Idempotency-Key if there is one."""
        headers = self.authorization | ({"Idempotency-Key": key} if key is not None else {})
        if body is None:
            return self.shop.http.post(path, headers=headers)
        return self.shop.http.post(path, json=body, headers=headers)

    def place_order(
        self,
        *lines: Line,
        payment_method: str = "pm_ok",
        expected_total: int | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """POST /orders; a new key if none is given. `expected_total` in cents."""
        body = order_body(*lines, payment_method=payment_method, expected_total=expected_total)
        return self.post("/orders", body, key=key or new_key())

    def buy(self, *lines: Line, payment_method: str = "pm_ok") -> dict[str, Any]:
        """Place an order that is confirmed, and return it."""
        order: dict[str, Any] = expect(self.place_order(*lines, payment_method=payment_method), 201)
        assert order["status"] == "confirmed"
        return order

    def cancel(self, order_id: str) -> httpx.Response:
        """POST /orders/{id}/cancel."""
        return self.post(f"/orders/{order_id}/cancel")

    def order(self, order_id: str) -> dict[str, Any]:
        """Return one's own order."""
        body: dict[str, Any] = expect(self.get(f"/orders/{order_id}"), 200)
        return body

    def payment(self, payment_id: str) -> dict[str, Any]:
        """Return the payment of one's own order."""
        body: dict[str, Any] = expect(self.get(f"/payments/{payment_id}"), 200)
        return body

    def orders(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return all of one's own orders, newest first, page by page."""
        return list(self._pages("/orders", limit))

    def notifications(self, order_id: str) -> list[dict[str, Any]]:
        """Return what this customer was told about one order."""
        return [note for note in self._pages("/notifications", 100) if note["order_id"] == order_id]

    def order_becomes(self, order_id: str, status: str, within_s: float = 15.0) -> dict[str, Any]:
        """Wait until one's own order has this status, and return it."""

        def probe() -> dict[str, Any] | None:
            order = self.order(order_id)
            return order if order["status"] == status else None

        return until(f"order {order_id} becomes {status}", probe, within_s)

    def is_told(self, order_id: str, kind: str, within_s: float = 10.0) -> dict[str, Any]:
        """Wait until a message of this kind is sent, and return it."""

        def probe() -> dict[str, Any] | None:
            sent = [note for note in self.notifications(order_id) if (note["kind"], note["status"]) == (kind, "sent")]
            return sent[0] if sent else None

        return until(f"{kind} about {order_id} is sent", probe, within_s)

    def _pages(self, path: str, limit: int) -> Iterator[dict[str, Any]]:
        cursor: dict[str, str] = {}
        while True:
            page = expect(self.get(path, limit=limit, **cursor), 200)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}


@dataclass(frozen=True)
class Admin(Customer):
    """Somebody with the role admin."""

    def put_product(self, sku: str, name: str = "Crunchy Armchair", price: int = 19_900, **fields: Any) -> Any:
        """Create a product, or change it, and return it. `price` in cents."""
        body = {
            "name": name,
            "description": "Made for one person and one long book.",
            "category": "crunchy-things",
            "price": {"amount": price, "currency": "EUR"},
            **fields,
        }
        return expect(self.shop.http.put(f"/products/{sku}", json=body, headers=self.authorization), 200)

    def restock(self, sku: str, quantity: int, key: str | None = None) -> httpx.Response:
        """POST /products/{sku}/restock; a new key if none is given."""
        return self.post(f"/products/{sku}/restock", {"quantity": quantity}, key=key or new_key())

    def stocks(self, word: str = "ARMCHAIR", stock: int = 10, price: int = 19_900) -> str:
        """Put a new product on the shelf and return its sku."""
        sku = fresh(word).upper()
        self.put_product(sku, price=price)
        if stock:
            expect(self.restock(sku, stock), 200)
        return sku

    def refund(self, payment_id: str, amount: int, key: str | None = None, currency: str = "EUR") -> httpx.Response:
        """POST /payments/{id}/refunds; `amount` in cents; a new key if none is given."""
        body = {"amount": {"amount": amount, "currency": currency}}
        return self.post(f"/payments/{payment_id}/refunds", body, key=key or new_key())


def order_body(*lines: Line, payment_method: str = "pm_ok", expected_total: int | None = None) -> dict[str, Any]:
    """Return the body of POST /orders."""
    body: dict[str, Any] = {
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        "payment_method": payment_method,
    }
    if expected_total is not None:
        body["expected_total"] = {"amount": expected_total, "currency": "EUR"}
    return body
