"""What the provider tells by itself: believed if its signature is genuine, and a no-op the second time."""

from __future__ import annotations

import logging

from monolith.payments.charges import ChargeResult, Payments
from monolith.payments.refunds import Refunds
from shared.contract.bodies import WebhookInput
from shared.contract.parsing import parse
from shared.contract.provider import OUTCOME_OF_WEBHOOK
from shared.domain.errors import Unauthenticated
from shared.domain.ids import is_id
from shared.domain.payment import PaymentStatus, RefundStatus
from shared.platform import clock, webhook_signature
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)


class Webhooks:
    """Settles what the provider reports. What differs from our books is accepted, not acted on, and counted."""

    def __init__(self, payments: Payments, refunds: Refunds, *, merchant: str, secret: str, metrics: Metrics) -> None:
        self._payments, self._refunds = payments, refunds
        self._merchant, self._secret = merchant, secret
        self._mismatches = metrics.webhook_mismatches

    def receive(self, raw: bytes, signature: str) -> None:
        """Act on one delivery. Raises Unauthenticated, MalformedBody, InvalidRequest, Unavailable."""
        if not webhook_signature.is_genuine(self._secret, raw, signature, clock.now_s()):
            raise Unauthenticated("The webhook's signature is missing, wrong or old.")
        webhook, _ = parse(raw, WebhookInput)
        mismatch = "merchant" if webhook.merchant != self._merchant else self._settle(webhook)
        if mismatch is not None:
            self._mismatches.labels(mismatch).inc()
            log.error(
                "webhook %s is ignored: its %s differs from our books, and somebody must look", webhook.id, mismatch
            )

    def _settle(self, webhook: WebhookInput) -> str | None:
        """Return the field that differs from our books; None if there was something, or nothing, to settle."""
        if webhook.type in OUTCOME_OF_WEBHOOK:
            return self._on_charge(webhook, OUTCOME_OF_WEBHOOK[webhook.type])
        return self._on_refund(webhook) if webhook.type == "refund.succeeded" else None

    def _on_charge(self, webhook: WebhookInput, status: PaymentStatus) -> str | None:
        payment = self._payments.of_order(webhook.charge_key) if is_id(webhook.charge_key) else None
        if payment is None:
            return "charge_key"
        charge, current = payment
        mismatch = webhook.mismatch(charge.order_id, charge.amount)
        if mismatch is None and current != status:
            self._payments.settle(ChargeResult(webhook.charge_key, status))
        return mismatch

    def _on_refund(self, webhook: WebhookInput) -> str | None:
        refund = self._refunds.by_key(webhook.refund_key) if webhook.refund_key else None
        if refund is None:
            return "refund_key"
        mismatch = webhook.mismatch(refund.order_id, refund.amount)
        if mismatch is None:
            self._refunds.settle(refund, RefundStatus.REFUNDED)
        return mismatch
