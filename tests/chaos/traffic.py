"""Customers who keep buying whatever happens, and who write down what they asked and what was answered."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from loadtests.load.generator.history import OrderCall, OrderHistory
from tests.journeys.shop import Customer, Shop, new_key, order_body

CUSTOMERS = 6
PAUSE_S = 0.15  # between two orders of a customer: the machine has other things to do as well
METHODS = ("pm_ok", "pm_ok", "pm_ok", "pm_ok", "pm_ok", "pm_declined", "pm_timeout", "pm_lost")
CANCEL_SHARE = 0.2


class Witness:
    """Sends requests for customers and writes down each with its answer, or that none came."""

    def __init__(self, history: Path) -> None:
        self._history = OrderHistory(history)
        self._writing = threading.Lock()
        self.statuses: list[int] = []

    def close(self) -> None:
        """Close the history."""
        self._history.__exit__(None, None, None)

    def ask(
        self, kind: Any, customer: Customer, path: str, body: dict[str, Any] | None, key: str, order_id: str = ""
    ) -> OrderCall:
        """Send one request and write down what became of it; `status` 0 if no answer came."""
        sent_at = time.time()
        try:
            answer = customer.post(path, body, key=key or None)
        except httpx.HTTPError:
            content: dict[str, Any] = {}
            status, text = 0, ""
        else:
            status, text = answer.status_code, answer.text
            content = answer.json()
        call = OrderCall(
            kind=kind,
            sent_at=sent_at,
            answered_at=time.time(),
            customer=customer.subject,
            key=key,
            body=body,
            order_id=str(content.get("id", "")) if status < 400 else order_id,
            status=status,
            code=str(content.get("code", "")),
            answer=text,
        )
        self.keep(call)
        return call

    def keep(self, call: OrderCall) -> None:
        """Write down a call that was made."""
        with self._writing:
            self._history.add(call)
            self.statuses.append(call.status)


class Traffic:
    """A crowd of customers, one thread each, from `begin` to `end`. The same seed gives the same wishes."""

    def __init__(self, shop: Shop, skus: list[str], history: Path, seed: int) -> None:
        self._skus = skus
        self._witness = Witness(history)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._shopping, args=(shop.customer("chaos-charlie"), random.Random(seed + number)), daemon=True
            )
            for number in range(CUSTOMERS)
        ]

    @property
    def statuses(self) -> list[int]:
        """The status of every answer so far; 0 where none came."""
        return self._witness.statuses

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._witness.close()

    def _shopping(self, customer: Customer, chance: random.Random) -> None:
        while not self._stop.wait(PAUSE_S * chance.uniform(0.5, 1.5)):
            lines = [(sku, chance.randint(1, 3)) for sku in chance.sample(self._skus, chance.randint(1, 3))]
            body, key = order_body(*lines, payment_method=chance.choice(METHODS)), new_key()
            call = self._witness.ask("place", customer, "/orders", body, key)
            if call.status == 0 or call.status >= 500:  # as a customer would: once more, with the same key
                call = self._witness.ask("place", customer, "/orders", body, key)
            if call.status == 201 and chance.random() < CANCEL_SHARE:
                self._witness.ask("cancel", customer, f"/orders/{call.order_id}/cancel", None, "", call.order_id)
