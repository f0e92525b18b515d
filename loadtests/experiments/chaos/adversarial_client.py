"""An adversarial client: beside a load, it asks for what a shop has to refuse, and repeats itself."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import httpx

from loadtests.load.generator.history import OrderCall, OrderHistory
from loadtests.measure.parties import Parties

SCARCE = "CHAOS-LAST-UNIT"
PRICE = {"amount": 2_500, "currency": "EUR"}
BETWEEN_S = 0.3
TIMEOUT_S = 12.0
IN_FLIGHT_AFTER_S = 0.4  # a slow bank takes a second
NO_ANSWER = 0
TRIES_FOR_PENDING = 6


class AdversarialClient:
    """A customer and an administrator in a thread of their own, for the length of a block.

    `answers` counts (scenario, status, code). Every order and cancel goes to a history of its own, for the books. What
    is answered while parts are being killed is nobody's promise, so nothing is asserted here: whoever reads `answers`
    looks for what never came.
    """

    def __init__(self, parties: Parties, history: Path) -> None:
        self.answers: Counter[tuple[str, int, str]] = Counter()
        self._parties, self.history = parties, history
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="adversarial client")
        self._writing = threading.Lock()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        scenarios: tuple[Callable[[], None], ...] = (
            self._last_unit, self._old_price, self._other_body, self._twice_at_once, self._again_when_final,
            self._again_while_pending, self._cancelled_twice, self._cancelled_while_pending, self._refund_too_much,
            self._not_mine,
        )  # fmt: skip
        with OrderHistory(self.history) as self._log, httpx.Client(timeout=TIMEOUT_S) as self._client:
            self._customer = self._headers("awkward-alex", "customer")
            self._stranger = self._headers("nosy-nora", "customer")
            self._admin = self._headers("chaos-admin", "admin")
            self._sku = self._any_product()
            while not self._stop.is_set():
                for scenario in scenarios:
                    if self._stop.wait(BETWEEN_S):
                        return
                    scenario()

    def _last_unit(self) -> None:
        product = {"name": "The last unit", "description": "There is one.", "category": "Chaos", "price": PRICE}
        self._ask("put", "PUT", f"/products/{SCARCE}", self._admin, product)
        self._ask("restock", "POST", f"/products/{SCARCE}/restock", self._admin, {"quantity": 1}, key=new_key())
        for _ in range(2):
            self._place("last_unit", new_key(), sku=SCARCE)

    def _old_price(self) -> None:
        self._place("old_price", new_key(), expected_total={"amount": 1, "currency": "EUR"})

    def _other_body(self) -> None:
        key = new_key()
        self._place("first_body", key)
        self._place("other_body", key, quantity=2)

    def _twice_at_once(self) -> None:
        key = new_key()
        first = threading.Thread(target=self._place, args=("slow_bank", key, "pm_slow"))
        first.start()
        time.sleep(IN_FLIGHT_AFTER_S)
        self._place("twice_at_once", key, "pm_slow")
        first.join()

    def _again_when_final(self) -> None:
        key = new_key()
        if self._place("final", key).status == 201:
            self._place("again_when_final", key)

    def _again_while_pending(self) -> None:
        order = self._pending()
        if order.status == 202:
            self._place("again_while_pending", order.key, "pm_timeout_silent")

    def _cancelled_twice(self) -> None:
        order = self._place("to_cancel", new_key())
        if order.status == 201:
            self._cancel("cancel", order)
            self._cancel("cancel_again", order)

    def _cancelled_while_pending(self) -> None:
        order = self._pending()
        if order.status == 202:
            self._cancel("cancel_pending", order)

    def _pending(self) -> OrderCall:
        """Insist: parts that are killed every other second seldom live through the two that a silent bank takes."""
        for _ in range(TRIES_FOR_PENDING):
            order = self._place("pending", new_key(), "pm_timeout_silent")
            if order.status == 202:
                break
        return order

    def _refund_too_much(self) -> None:
        order = self._place("to_refund", new_key())
        if order.status == 201:
            answer = order.answer_json()
            path, total = f"/payments/{answer['payment_id']}/refunds", answer["total"]
            above = {"amount": {"amount": total["amount"] + 1, "currency": total["currency"]}}
            self._ask("refund_too_much", "POST", path, self._admin, above, key=new_key())
            a_cent = {"amount": {"amount": 1, "currency": total["currency"]}}
            self._ask("refund", "POST", path, self._admin, a_cent, key=new_key())

    def _not_mine(self) -> None:
        order = self._place("mine", new_key())
        if order.status == 201:
            self._ask("not_mine", "GET", f"/orders/{order.order_id}", self._stranger)

    def _place(
        self, scenario: str, key: str, method: str = "pm_ok", *, sku: str = "", quantity: int = 1, **fields: Any
    ) -> OrderCall:
        body = {"lines": [{"sku": sku or self._sku, "quantity": quantity}], "payment_method": method} | fields
        return self._write_down("place", scenario, "/orders", body, key, "")

    def _cancel(self, scenario: str, order: OrderCall) -> OrderCall:
        return self._write_down("cancel", scenario, f"/orders/{order.order_id}/cancel", None, "", order.order_id)

    def _write_down(
        self,
        kind: Literal["place", "cancel"],
        scenario: str,
        path: str,
        body: dict[str, Any] | None,
        key: str,
        order: str,
    ) -> OrderCall:
        sent_at = time.time()
        status, text = self._ask(scenario, "POST", path, self._customer, body, key)
        answer = decoded(text)
        order_id = str(answer.get("id", "")) if 200 <= status < 300 else order
        call = OrderCall(kind, sent_at, time.time(), "awkward-alex", key, body, order_id, status,
                         str(answer.get("code", "")), text)  # fmt: skip
        with self._writing:
            self._log.add(call)
        return call

    def _ask(
        self, scenario: str, method: str, path: str, headers: dict[str, str], body: Any = None, key: str = ""
    ) -> tuple[int, str]:
        """Send one request; status 0 if no answer came."""
        sent = headers | ({"Idempotency-Key": key} if key else {})
        try:
            answer = self._client.request(method, self._parties.shop + path, json=body, headers=sent)
        except httpx.HTTPError:
            status, text = NO_ANSWER, ""
        else:
            status, text = answer.status_code, answer.text
        code = str(decoded(text).get("code", "")) if status >= 400 else ""
        with self._writing:
            self.answers[scenario, status, code] += 1
        return status, text

    def _headers(self, subject: str, role: str) -> dict[str, str]:
        claims = {"subject": subject, "roles": [role], "ttl_s": 24 * 3600}
        answer = self._client.post(f"{self._parties.identity}/tokens", json=claims).raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def _any_product(self) -> str:
        while True:
            status, text = self._ask("list", "GET", "/products?limit=1", {})
            if status == 200 or self._stop.wait(BETWEEN_S):
                return str(json.loads(text)["items"][0]["sku"]) if status == 200 else SCARCE


def new_key() -> str:
    """Return an idempotency key that nobody has used."""
    return f"awkward-{uuid.uuid4()}"


def decoded(text: str) -> dict[str, Any]:
    """Return a body as an object; an empty one if it is none."""
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
