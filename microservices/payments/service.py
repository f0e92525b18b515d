"""What the payments service offers: charges, refunds, webhooks, and looking a payment up."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Row, select

from microservices.kit.database import Database
from microservices.payments.charges import Charges
from microservices.payments.config import PaymentsSettings
from microservices.payments.provider import ChargeOutcome
from microservices.payments.refunds import Refunds
from microservices.payments.tables import payments
from shared.contract.bodies import MoneyBody, Payment, WebhookInput
from shared.domain.errors import NotFound, Unauthenticated
from shared.domain.ids import is_id
from shared.domain.money import Money
from shared.domain.payment import PaymentStatus
from shared.platform import clock
from shared.platform.metrics import Metrics
from shared.platform.tokens import Principal
from shared.platform.webhook_signature import is_genuine

log = logging.getLogger(__name__)

_OUTCOMES = {"charge.captured": PaymentStatus.CAPTURED, "charge.declined": PaymentStatus.DECLINED}


class Payments:
    """The service object that the routes call."""

    def __init__(
        self, database: Database, charges: Charges, refunds: Refunds, settings: PaymentsSettings, metrics: Metrics
    ) -> None:
        self._database = database
        self._settings = settings
        self._mismatches = metrics.webhook_mismatches
        self.charges = charges
        self.refunds = refunds

    async def payment(self, payment_id: str, who: Principal) -> Payment:
        """Return a payment to its owner or an admin. Raises NotFound, also for somebody else's."""
        row = await self._find(payments.c.id == payment_id) if is_id(payment_id) else None
        if row is None or (row.customer_id != who.subject and not who.is_admin):
            raise NotFound("There is no such payment.")
        return Payment(
            id=row.id,
            order_id=row.order_id,
            status=PaymentStatus(row.status),
            amount=MoneyBody(amount=row.amount, currency=row.currency),
            refunded=MoneyBody(amount=row.refunded, currency=row.currency),
            created_at=row.created_at,
        )

    def check_signature(self, raw: bytes, signature: str) -> None:
        """Raise Unauthenticated unless the provider signed these bytes a short while ago."""
        if not is_genuine(self._settings.webhook_secret, raw, signature, clock.now_s()):
            raise Unauthenticated("The webhook's signature is missing, wrong or old.")

    async def on_webhook(self, webhook: WebhookInput) -> None:
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
        if webhook.type in _OUTCOMES:
            return await self._on_charge(webhook, _OUTCOMES[webhook.type])
        return await self._on_refund(webhook) if webhook.type == "refund.succeeded" else None

    async def _on_charge(self, webhook: WebhookInput, status: PaymentStatus) -> str | None:
        is_known = is_id(webhook.charge_key)
        payment = await self._find(payments.c.order_id == webhook.charge_key) if is_known else None
        if payment is None:
            return "charge_key"
        mismatch = webhook.mismatch(payment.order_id, Money(payment.amount, payment.currency))
        if mismatch is None:
            await self.charges.settle(payment, ChargeOutcome(status), tell=True)
        return mismatch

    async def _on_refund(self, webhook: WebhookInput) -> str | None:
        refund = await self.refunds.by_key(webhook.refund_key) if webhook.refund_key else None
        if refund is None:
            return "refund_key"
        mismatch = webhook.mismatch(refund.order_id, Money(refund.amount, refund.currency))
        if mismatch is None:
            await self.refunds.settle(refund, None)
        return mismatch

    async def _find(self, which: Any) -> Row[Any] | None:
        rows = await self._database.read(select(payments).where(which))
        return rows[0] if rows else None
