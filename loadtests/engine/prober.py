"""One customer who buys now and then, and looks closely at what comes of it: plain HTTP, no generator."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from deploy.model.errors import DeployError
from loadtests.measure.parties import Parties

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Placed:
    """An answer to POST /orders, and when it was there (`time.time()`). Status 0: no answer at all."""

    status: int
    answered_at: float
    order_id: str = ""
    payment_id: str = ""


class Prober:
    """Buys one product after the other with one customer's token. Used as a context."""

    def __init__(self, parties: Parties) -> None:
        self._shop = httpx.Client(base_url=parties.shop, timeout=TIMEOUT_S, trust_env=False)
        self.subject = f"prober-{uuid.uuid4().hex[:8]}"
        answer = httpx.post(
            f"{parties.identity}/tokens",
            json={"subject": self.subject, "roles": ["customer"]},
            timeout=TIMEOUT_S,
            trust_env=False,
        )
        self._headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}
        self._skus = itertools.cycle(self._read_skus())

    def place(self) -> Placed:
        """Place one order of one piece."""
        body = {"lines": [{"sku": next(self._skus), "quantity": 1}], "payment_method": "pm_ok"}
        try:
            answer = self._shop.post(
                "/orders", json=body, headers=self._headers | {"Idempotency-Key": uuid.uuid4().hex}
            )
        except httpx.HTTPError:
            return Placed(0, time.time())
        answered_at = time.time()
        order = answer.json() if answer.status_code in (201, 202) else {}
        return Placed(answer.status_code, answered_at, order.get("id", ""), order.get("payment_id", ""))

    def read_ms(self, target: str) -> float:
        """Ask for a page and return how long that took, in ms. Raises DeployError if it is not there."""
        return self._ms(target, self._headers, 200)

    def refused_ms(self) -> float:
        """Ask without a name for what is only told to customers; return how long the refusal took, in ms."""
        return self._ms("/orders", {}, 401)

    def _ms(self, target: str, headers: Mapping[str, str], status: int) -> float:
        began = time.perf_counter()
        try:
            answer = self._shop.get(target, headers=headers)
        except httpx.HTTPError as error:
            raise DeployError(f"{target} was not answered: {error}.") from error
        if answer.status_code != status:
            raise DeployError(f"{target} was answered {answer.status_code}, not {status}.")
        return (time.perf_counter() - began) * 1000

    def payment_status(self, payment_id: str) -> str:
        """Return what the shop says about a payment; empty if it knows nothing of it."""
        try:
            answer = self._shop.get(f"/payments/{payment_id}", headers=self._headers)
        except httpx.HTTPError:
            return ""
        return str(answer.json()["status"]) if answer.status_code == 200 else ""

    def _read_skus(self) -> Sequence[str]:
        page = self._shop.get("/products", params={"limit": "50"}).raise_for_status().json()
        return [item["sku"] for item in page["items"]]

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *_: object) -> None:
        self._shop.close()
