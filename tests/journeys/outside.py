"""The outside world as a test sees it: the provider's ledger and behaviour, the tokens, the mailbox."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import httpx

from shared.platform.webhook_signature import HEADER, sign


@dataclass(frozen=True)
class Provider:
    """One merchant at the payment provider. `shop` is the client whose base is the shop's public address."""

    http: httpx.Client
    merchant: str
    api_key: str
    webhook_secret: str

    def charge(self, key: str) -> dict[str, Any] | None:
        """Return the ledger's entry of this charge: {status, amount, attempts, refunds, ...}, or None."""
        for charge in self.ledger():
            if charge["key"] == key:
                return charge
        return None

    def ledger(self) -> list[dict[str, Any]]:
        """Return all charges of the merchant."""
        charges: list[dict[str, Any]] = self._ok(self.http.get(f"/control/{self.merchant}/ledger"))["charges"]
        return charges

    def behave(self, **behaviour: Any) -> None:
        """Change how the provider behaves towards this merchant; `heal` takes it back."""
        self._ok(self.http.put(f"/control/{self.merchant}/behaviour", json=behaviour))

    def heal(self) -> None:
        """Go back to the default behaviour."""
        self._ok(self.http.post(f"/control/{self.merchant}/heal"))

    def redeliver(self, key: str, copies: int = 1) -> None:
        """Send the webhooks of this charge again, each signed anew."""
        self._ok(self.http.post(f"/control/{self.merchant}/webhooks/{key}/redeliver", json={"copies": copies}))

    def capture(self, key: str, amount: int) -> None:
        """Charge at the provider behind the shop's back, with the shop's own key."""
        body = {"key": key, "amount": amount, "currency": "EUR", "payment_method": "pm_ok"}
        headers = {"Authorization": f"Bearer {self.api_key}"}
        self._ok(self.http.post(f"/v1/{self.merchant}/charges", json=body, headers=headers))

    def refund(self, key: str, amount: int) -> None:
        """Give money back at the provider behind the shop's back."""
        body = {"refund_key": f"by-hand-{key}", "amount": amount}
        headers = {"Authorization": f"Bearer {self.api_key}"}
        self._ok(self.http.post(f"/v1/{self.merchant}/charges/{key}/refunds", json=body, headers=headers))

    def forget(self) -> None:
        """Empty the merchant's ledger."""
        self._ok(self.http.delete(f"/control/{self.merchant}/ledger"))

    def of_merchant(self, merchant: str) -> Provider:
        """Return the same provider as another merchant sees it."""
        return replace(self, merchant=merchant)

    def signed(self, body: bytes, *, age_s: int = 0, secret: str | None = None) -> dict[str, str]:
        """Return the headers of a webhook with this body, signed `age_s` seconds ago."""
        signature = sign(secret or self.webhook_secret, body, int(time.time()) - age_s)
        return {HEADER: signature, "Content-Type": "application/json"}

    def _ok(self, answer: httpx.Response) -> Any:
        answer.raise_for_status()
        return answer.json() if answer.content else None


@dataclass(frozen=True)
class Identity:
    """The identity provider."""

    http: httpx.Client

    def token(self, subject: str, *roles: str, **claims: Any) -> str:
        """Return an access token; `claims` may hold email, ttl_s and audience."""
        answer = self.http.post("/tokens", json={"subject": subject, "roles": roles or ["customer"], **claims})
        answer.raise_for_status()
        return str(answer.json()["access_token"])


@dataclass(frozen=True)
class Mailbox:
    """The mail server: everything it took from one shop."""

    http: httpx.Client
    domain: str

    def message_id(self, order_id: str, kind: str) -> str:
        """Return the Message-ID that this mail must carry, each time it is sent."""
        return f"<{order_id}.{kind}@{self.domain}>"

    def mails(self, order_id: str, kind: str) -> list[dict[str, Any]]:
        """Return the mails of this kind about this order; more than one if a crash had it sent again."""
        answer = self.http.get("/messages", params={"message_id": self.message_id(order_id, kind)})
        answer.raise_for_status()
        messages: list[dict[str, Any]] = answer.json()["messages"]
        return messages

    def refuses(self, share: float) -> None:
        """Let the server refuse this share of all mails, whoever sends them."""
        self.http.put("/behaviour", json={"reject_share": share}).raise_for_status()
