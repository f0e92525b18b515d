"""The payment provider's API. Every call carries a key that makes it safe to send again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic_core import from_json, to_json

from microservices.kit.peers import Peer, Unanswered, Unreached
from shared.domain.errors import RefundExceedsCapture
from shared.domain.payment import PaymentStatus

log = logging.getLogger(__name__)

__all__ = ["ChargeOutcome", "Provider", "Unanswered", "Unreached"]


@dataclass(frozen=True)
class ChargeOutcome:
    """What became of a charge, for good: captured, declined or voided."""

    status: PaymentStatus
    reason: str | None = None


class Provider:
    """One merchant's account. Raises Unreached (surely nothing happened) or Unanswered (it may have)."""

    def __init__(self, peer: Peer, merchant: str) -> None:
        self._peer = peer
        self._charges = f"/v1/{merchant}/charges"

    async def charge(self, key: str, amount: int, currency: str, payment_method: str) -> ChargeOutcome:
        """Take `amount` minor units. The same key never takes it twice."""
        body = {"key": key, "amount": amount, "currency": currency, "payment_method": payment_method}
        return _outcome(await self._peer.post(self._charges, to_json(body)))

    async def void(self, key: str) -> ChargeOutcome:
        """Call a charge off, also one that arrives later. What is captured already stays captured and says so."""
        return _outcome(await self._peer.post(f"{self._charges}/{key}/void"))

    async def refund(self, key: str, refund_key: str, amount: int) -> None:
        """Give `amount` minor units back. Raises RefundExceedsCapture, besides Unreached and Unanswered."""
        body = {"refund_key": refund_key, "amount": amount}
        answer = await self._peer.post(f"{self._charges}/{key}/refunds", to_json(body))
        if answer.status_code == 409:
            raise RefundExceedsCapture("The provider refuses this refund.")
        _json_of(answer)


def _outcome(answer: httpx.Response) -> ChargeOutcome:
    body = _json_of(answer)
    try:
        return ChargeOutcome(PaymentStatus(body["status"]), body.get("reason"))
    except (KeyError, ValueError) as error:
        raise Unanswered(f"the provider's answer makes no sense: {body}") from error


def _json_of(answer: httpx.Response) -> Any:
    """Return the body of a 200. Anything else says nothing about the money (rule 1): it counts as no answer."""
    if answer.status_code != 200:
        if answer.status_code < 500:
            log.error("the provider answered %d: %s", answer.status_code, answer.text[:200])
        raise Unanswered(f"the provider answered {answer.status_code}")
    try:
        return from_json(answer.content)
    except ValueError as error:
        raise Unanswered("the provider's answer is not JSON") from error
