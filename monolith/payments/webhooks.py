"""What the provider tells by itself: believed if its signature is genuine, and a no-op the second time."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from monolith.payments.refunds import Refunds
from monolith.payments.service import ChargeResult, Payments
from shared.contract.bodies import WebhookInput
from shared.contract.problems import error_of_validation
from shared.domain.errors import Unauthenticated
from shared.domain.ids import is_id
from shared.domain.payment import PaymentStatus, RefundStatus
from shared.platform import clock, webhook_signature

log = logging.getLogger(__name__)

_OUTCOMES = {"charge.captured": PaymentStatus.CAPTURED, "charge.declined": PaymentStatus.DECLINED}


class Webhooks:
    """Settles what the provider reports. What is not ours to act on is accepted and ignored."""

    def __init__(self, payments: Payments, refunds: Refunds, *, merchant: str, secret: str) -> None:
        self._payments, self._refunds = payments, refunds
        self._merchant, self._secret = merchant, secret

    def receive(self, raw: bytes, signature: str) -> None:
        """Act on one delivery. Raises Unauthenticated, MalformedBody, InvalidRequest, Unavailable."""
        if not webhook_signature.is_genuine(self._secret, raw, signature, clock.now_s()):
            raise Unauthenticated("The webhook's signature is missing, wrong or old.")
        try:
            told = WebhookInput.model_validate_json(raw)
        except ValidationError as error:
            raise error_of_validation(error) from error
        if told.merchant != self._merchant or not is_id(told.charge_key):
            return
        if told.type in _OUTCOMES:
            self._on_charge(told, _OUTCOMES[told.type])
        elif told.type == "refund.succeeded" and told.refund_key:
            self._on_refund(told, told.refund_key)

    def _on_charge(self, told: WebhookInput, status: PaymentStatus) -> None:
        payment = self._payments.of_order(told.charge_key)
        if payment is None or payment.status == status:
            return
        if (payment.amount, payment.currency) != (told.amount, told.currency):
            log.error("webhook %s names another amount than order %s has", told.id, told.charge_key)
            return
        self._payments.settle(ChargeResult(told.charge_key, status))

    def _on_refund(self, told: WebhookInput, refund_key: str) -> None:
        refund = self._refunds.by_key(refund_key)
        if refund is None or refund.order_id != told.charge_key:
            return
        if (refund.amount.amount, refund.amount.currency) != (told.amount, told.currency):
            log.error("webhook %s names another amount than refund %s has", told.id, refund_key)
            return
        self._refunds.settle(refund, RefundStatus.REFUNDED)
