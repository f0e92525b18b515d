"""Work that a provider without answers interrupts: an order, a cancellation and a refund, placed together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.journeys.shop import Admin, Customer, Shop, new_key

PRICE = 10_000
REFUND = 2_500
WHILE_IT_HANGS = ("order while it hangs", "cancel while it hangs", "refund while it hangs")


@dataclass
class Interrupted:
    """What was asked of one arm while its provider hung or failed, and the answers."""

    shop: Shop
    admin: Admin
    key: str = field(default_factory=new_key)
    refund_key: str = field(default_factory=new_key)
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)  # at the provider, before any loop looked

    def begin(self) -> None:
        """Prepare three orders, let the provider hang and then fail, ask, and heal it. About three seconds."""
        self.customer = self.shop.customer("patient-paula")
        self.sku = self.admin.stocks("INTERRUPTED-ATLAS", stock=10, price=PRICE)
        self.to_cancel = self.customer.buy((self.sku, 1))
        self.to_refund = self.customer.buy((self.sku, 1))
        try:
            self.shop.provider.behave(hang=True)
            with ThreadPoolExecutor(3) as threads:
                list(threads.map(self._time, WHILE_IT_HANGS))
            self.shop.provider.behave(hang=False, error_share=1.0)
            self._time("order while it fails")
            for name in ("order while it hangs", "order while it fails"):
                charge = self.shop.provider.charge(self.order_id(name)) if self.answers[name].is_success else None
                self.attempts[name] = charge["attempts"] if charge else 0
        finally:
            self.shop.provider.heal()

    def order_id(self, name: str) -> str:
        """Return the id of the order that this request placed."""
        return str(self.answers[name].json()["id"])

    def again(self, name: str) -> httpx.Response:
        """Send one of the requests again, with its key."""
        return self._requests()[name]()

    def _time(self, name: str) -> None:
        began = time.monotonic()
        self.answers[name] = self._requests()[name]()
        self.took_s[name] = time.monotonic() - began

    def _requests(self) -> dict[str, Any]:
        buyer: Customer = self.customer
        return {
            "order while it hangs": lambda: buyer.place_order((self.sku, 1), key=self.key),
            "order while it fails": lambda: buyer.place_order((self.sku, 2), key=f"{self.key}-fails"),
            "cancel while it hangs": lambda: buyer.cancel(self.to_cancel["id"]),
            "refund while it hangs": lambda: self.admin.refund(self.to_refund["payment_id"], REFUND, self.refund_key),
        }
