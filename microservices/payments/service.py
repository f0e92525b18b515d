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
from shared.domain.payment import PaymentStatus
from shared.platform import clock
from shared.platform.tokens import Principal
from shared.platform.webhook_signature import is_genuine

log = logging.getLogger(__name__)

_OUTCOMES = {"charge.captured": PaymentStatus.CAPTURED, "charge.declined": PaymentStatus.DECLINED}


class Payments:
    """The service object that the routes call."""

    def __init__(self, database: Database, charges: Charges, refunds: Refunds, settings: PaymentsSettings) -> None:
        self._database = database
        self._settings = settings
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
        """Act on what the provider tells. What is not ours, or not news, is taken and left alone."""
        if webhook.merchant != self._settings.provider_merchant or not is_id(webhook.charge_key):
            return
        if webhook.type == "refund.succeeded" and webhook.refund_key:
            await self.refunds.settle_by_webhook(webhook.refund_key)
            return
        status = _OUTCOMES.get(webhook.type)
        payment = await self._find(payments.c.order_id == webhook.charge_key) if status else None
        if status is None or payment is None:
            return
        if (webhook.amount, webhook.currency) != (payment.amount, payment.currency):
            log.error("webhook %s tells another amount than payment %s has", webhook.id, payment.id)
            return  # never believed: the settle loop asks the provider itself
        await self.charges.settle(payment, ChargeOutcome(status), tell=True)

    async def _find(self, which: Any) -> Row[Any] | None:
        rows = await self._database.read(select(payments).where(which))
        return rows[0] if rows else None
