"""Orders whose payment the provider leaves open, placed together so that their waits are shared."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from tests.journeys.shop import Admin, Customer, Shop, new_key

PRICE = 19_900
QUANTITY = 2
METHODS = ("pm_timeout", "pm_timeout_silent", "pm_lost", "pm_late_decline")
WATCH_FOR_S = 45.0
LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class LateOrder:
    """One order that was answered 202. `placed_at` is when the request was sent (monotonic seconds)."""

    method: str
    customer: Customer
    sku: str
    key: str
    placed_at: float
    answer: httpx.Response

    @property
    def id(self) -> str:
        """The order's id."""
        return str(self.answer.json()["id"])

    def retry(self) -> httpx.Response:
        """Send the same request again, with its key."""
        return self.customer.place_order((self.sku, QUANTITY), payment_method=self.method, key=self.key)


@dataclass
class LateOrders:
    """The late orders of one arm, and when the provider saw a second attempt at each."""

    shop: Shop
    admin: Admin
    orders: dict[str, LateOrder] = field(default_factory=dict)
    second_attempt_after_s: dict[str, float] = field(default_factory=dict)
    while_pending: dict[str, httpx.Response] = field(default_factory=dict)  # what was asked of pm_lost meanwhile

    def begin(self) -> None:
        """Place them all at once and start to watch the provider's ledger."""
        with ThreadPoolExecutor(len(METHODS)) as threads:
            self.orders = {order.method: order for order in threads.map(self._place, METHODS)}
        lost = self.orders["pm_lost"]
        self.while_pending = {
            "replay": lost.retry(),
            "cancel": lost.customer.cancel(lost.id),
            "product": self.shop.http.get(f"/products/{lost.sku}"),
            "payment": lost.customer.get(f"/payments/{lost.answer.json()['payment_id']}"),
        }
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def end(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._watcher.join()

    def watched(self) -> dict[str, float]:
        """Wait until each order that needs one has had its second attempt; return after how many seconds."""
        self._watcher.join()
        return self.second_attempt_after_s

    def _place(self, method: str) -> LateOrder:
        sku = self.admin.stocks(f"LATE-{method}".replace("_", "-"), stock=5, price=PRICE)
        customer, key = self.shop.customer("patient-paula"), new_key()
        placed_at = time.monotonic()
        answer = customer.place_order((sku, QUANTITY), payment_method=method, key=key)
        return LateOrder(method, customer, sku, key, placed_at, answer)

    def _watch(self) -> None:
        waiting = {"pm_timeout_silent", "pm_lost"}  # the others are settled by a webhook
        until = time.monotonic() + WATCH_FOR_S
        while waiting and time.monotonic() < until and not self._stop.wait(LOOK_EVERY_S):
            attempts = {charge["key"]: charge["attempts"] for charge in self.shop.provider.ledger()}
            for method in sorted(waiting):
                order = self.orders[method]
                if order.answer.status_code == 202 and attempts.get(order.id, 0) > 1:
                    self.second_attempt_after_s[method] = time.monotonic() - order.placed_at
                    waiting.discard(method)
