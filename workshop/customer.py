"""A customer for labs and checks: buys in a shop, over HTTP through the edge, and says what was answered."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deploy.model.errors import DeployError, NotRunning
from deploy.model.parts import Site
from deploy.runner.interface import Runner

TIMEOUT_S = 15.0
POLL_S = 0.1
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """An answer: its status (0: the connection broke), its body, the id that follows the request, the wait."""

    status: int
    body: dict[str, Any]
    trace_id: str
    waited_ms: float
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Visitor:
    """Somebody at one shop. `roles` are those of the token."""

    name: str
    shop: str
    site: Site
    token: str

    @classmethod
    def at(cls, runner: Runner, subject: str, *roles: str) -> Visitor:
        """Let somebody in, with a token of the identity provider. Raises NotRunning if the shop is not up."""
        if not runner.status().up:
            raise NotRunning(f"{runner.stack.name} is not up: `twinshop up {runner.stack.name}`.")
        claims = {"subject": subject, "roles": list(roles or ("customer",))}
        answer = ask("POST", f"{runner.site.url('outside', 'identity')}/tokens", claims)
        if answer.status not in (200, 201):
            raise DeployError(f"The identity provider answered {answer.status} to the wish for a token.")
        return cls(runner.stack.name, runner.address, runner.site, answer.body["access_token"])

    def get(self, path: str) -> Answer:
        """Read a path of the public API."""
        return ask("GET", self.shop + path, headers=self._headers())

    def send(self, method: str, path: str, body: Any = None, key: str = "") -> Answer:
        """Write to a path of the public API; with an Idempotency-Key if one is given."""
        return ask(method, self.shop + path, body, self._headers() | ({"Idempotency-Key": key} if key else {}))

    def buy(self, *lines: tuple[str, int], card: str = "pm_ok", key: str = "") -> Answer:
        """Place an order; under a new key if none is given."""
        order_lines = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
        body = {"lines": order_lines, "payment_method": card}
        return self.send("POST", "/orders", body, key or str(uuid.uuid4()))

    def some_skus(self, count: int) -> list[str]:
        """Return products that can be bought. Raises DeployError where the shop does not say."""
        answer = self.get("/products?limit=100")
        if answer.status != 200:
            raise DeployError(f"{self.name} answered {answer.status or 'nothing'} to the wish for its products: "
                              "without a product nothing is bought.")  # fmt: skip
        skus = [item["sku"] for item in answer.body["items"] if item["available"] > 0]
        return skus[:count]

    def mails_about(self, order_id: str) -> list[dict[str, Any]]:
        """Return what the mail server holds about an order."""
        url = f"{self.site.url('outside', 'mail')}/messages?domain={self.name}.twinshop.example&limit=1000"
        return [mail for mail in ask("GET", url).body["messages"] if order_id in mail["message_id"]]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def ask(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request and return the answer, whatever its status."""
    data = json.dumps(body).encode() if body is not None else None
    sent = dict(headers or {}) | ({"Content-Type": "application/json"} if data is not None else {})
    request = urllib.request.Request(url, data, sent, method=method)  # noqa: S310  (addresses of ours)
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            status, raw, headers_back = answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        status, raw, headers_back = error.code, error.read(), error.headers
    except (urllib.error.URLError, OSError):
        return Answer(0, {}, "", _ms_since(began))
    trace_id = headers_back.get("X-Request-Id", "")
    return Answer(status, _json(raw), trace_id, _ms_since(began), dict(headers_back.items()))


def until(probe: Callable[[], T], within_s: float) -> T:
    """Return the first answer of `probe` that is true, or its last one."""
    ends_at = time.monotonic() + within_s
    while True:
        result = probe()
        if result or time.monotonic() > ends_at:
            return result
        time.sleep(POLL_S)


def _json(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw or b"{}")
    except ValueError:
        return {"text": raw.decode("utf-8", errors="replace")}
    return content if isinstance(content, dict) else {"items": content}


def _ms_since(began: float) -> float:
    return 1000 * (time.monotonic() - began)
