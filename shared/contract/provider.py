"""The payment provider's API: what it is sent, and what its answers mean. Each call may be sent again with its key."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from shared.domain.errors import RefundExceedsCapture, Unanswered
from shared.domain.money import Money
from shared.domain.payment import PaymentStatus

log = logging.getLogger(__name__)

OUTCOME_OF_WEBHOOK = {"charge.captured": PaymentStatus.CAPTURED, "charge.declined": PaymentStatus.DECLINED}


@dataclass(frozen=True)
class ChargeOutcome:
    """What became of a charge, for good: captured, declined or voided."""

    status: PaymentStatus
    reason: str | None = None


class ProviderRequests:
    """The requests of one merchant's account: each is a path and a body, to be posted."""

    def __init__(self, merchant: str) -> None:
        self._charges = f"/v1/{merchant}/charges"

    def charge(self, key: str, amount: Money, payment_method: str) -> tuple[str, bytes]:
        """Take the amount. The same key never takes it twice."""
        body = {"key": key, "amount": amount.amount, "currency": amount.currency, "payment_method": payment_method}
        return self._charges, to_json(body)

    def void(self, key: str) -> tuple[str, bytes]:
        """Call a charge off, also one that arrives later. What is captured already stays captured and says so."""
        return f"{self._charges}/{key}/void", b"{}"

    def refund(self, key: str, refund_key: str, amount: int) -> tuple[str, bytes]:
        """Give `amount` minor units back, once for this refund key."""
        return f"{self._charges}/{key}/refunds", to_json({"refund_key": refund_key, "amount": amount})


def charge_outcome(status: int, content: bytes) -> ChargeOutcome:
    """Return what an answer to a charge or a void says. Raises Unanswered if that is not clear."""
    body = _json_of(status, content)
    try:
        return ChargeOutcome(PaymentStatus(body["status"]), body.get("reason"))
    except (KeyError, TypeError, ValueError) as error:
        raise Unanswered(f"the provider's answer makes no sense: {body}") from error


def check_refunded(status: int, content: bytes) -> None:
    """Raise RefundExceedsCapture if the provider refuses a refund, Unanswered if its answer is not clear."""
    if status == 409:
        raise RefundExceedsCapture("The payment provider refused the refund.")
    _json_of(status, content)


def _json_of(status: int, content: bytes) -> Any:
    """Return the body of a 200. Anything else says nothing about the money: a time-out is not a decline."""
    if status != 200:
        if status < 500:
            log.error("the provider answered %d: %s", status, content[:200])
        raise Unanswered(f"the provider answered {status}")
    try:
        return from_json(content)
    except ValueError as error:
        raise Unanswered("the provider's answer is not JSON") from error
