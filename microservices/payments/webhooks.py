"""What the provider tells by itself: believed if its signature is genuine, and a no-op the second time."""

from __future__ import annotations

import logging

from microservices.payments.charges import Charges
from microservices.payments.config import PaymentsSettings
from microservices.payments.refunds import Refunds
from shared.contract.bodies import WebhookInput
from shared.contract.parsing import parse
from shared.contract.provider import OUTCOME_OF_WEBHOOK, ChargeOutcome
from shared.domain.errors import Unauthenticated
from shared.domain.ids import is_id
from shared.domain.money import Money
from shared.domain.payment import PaymentStatus
from shared.platform import clock
from shared.platform.metrics import Metrics
from shared.platform.webhook_signature import is_genuine

log = logging.getLogger(__name__)


class Webhooks:
    """Settles charges and refunds by what the provider tells."""

    def __init__(self, charges: Charges, refunds: Refunds, settings: PaymentsSettings, metrics: Metrics) -> None:
        self._charges, self._refunds, self._settings = charges, refunds, settings
        self._mismatches = metrics.webhook_mismatches

    async def receive(self, raw: bytes, signature: str) -> None:
        """Take a webhook. The signature covers the raw body, so it is checked before any parsing.

        Raises Unauthenticated unless the provider signed these bytes a short while ago; MalformedBody, InvalidRequest.
        """
        if not is_genuine(self._settings.webhook_secret, raw, signature, clock.now_s()):
            raise Unauthenticated("The webhook's signature is missing, wrong or old.")
        await self.apply(parse(raw, WebhookInput)[0])

    async def apply(self, webhook: WebhookInput) -> None:
        """Act on what the provider tells. What differs from our books is accepted, not acted on, and counted."""
        is_ours = webhook.merchant == self._settings.provider_merchant
        mismatch = await self._settle(webhook) if is_ours else "merchant"
        if mismatch is not None:
            self._mismatches.labels(mismatch).inc()
            log.error(
                "webhook %s is ignored: its %s differs from our books, and somebody must look", webhook.id, mismatch
            )

    async def _settle(self, webhook: WebhookInput) -> str | None:
        """Return the field that differs from our books; None if there was something, or nothing, to settle."""
        if webhook.type in OUTCOME_OF_WEBHOOK:
            return await self._on_charge(webhook, OUTCOME_OF_WEBHOOK[webhook.type])
        return await self._on_refund(webhook) if webhook.type == "refund.succeeded" else None

    async def _on_charge(self, webhook: WebhookInput, status: PaymentStatus) -> str | None:
        payment = await self._charges.of_order(webhook.charge_key) if is_id(webhook.charge_key) else None
        if payment is None:
            return "charge_key"
        mismatch = webhook.mismatch(payment.order_id, Money(payment.amount, payment.currency))
        if mismatch is None:
            await self._charges.settle(payment, ChargeOutcome(status), tell=True)
        return mismatch

    async def _on_refund(self, webhook: WebhookInput) -> str | None:
        refund = await self._refunds.by_key(webhook.refund_key) if webhook.refund_key else None
        if refund is None:
            return "refund_key"
        mismatch = webhook.mismatch(refund.order_id, Money(refund.amount, refund.currency))
        if mismatch is None:
            await self._refunds.settle(refund, None)
        return mismatch
