"""Charges: taken once, answered truthfully, and settled later if the provider did not answer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sqlalchemy import Row, select

from microservices.kit.database import Database
from microservices.kit.outbox import Outbox
from microservices.kit.peers import Peer
from microservices.payments.config import PaymentsSettings
from microservices.payments.tables import BATCH, CLAIM_PAYMENTS, RECORD, SETTLE, payments
from shared.contract.bodies import MoneyBody, Payment
from shared.contract.events import PaymentEvent
from shared.contract.inner import ChargeInput, ChargeResult
from shared.contract.provider import ChargeOutcome, ProviderRequests, charge_outcome, check_refunded
from shared.domain.errors import NotFound, Unanswered
from shared.domain.ids import new_id
from shared.domain.money import Money
from shared.domain.payment import PaymentStatus
from shared.domain.risk import risk_score
from shared.platform import clock, tracing
from shared.platform.failpoints import failpoint
from shared.platform.injected_faults import inject
from shared.platform.metrics import Metrics
from shared.platform.tokens import Principal

log = logging.getLogger(__name__)

LONG_WORK_MS = 1  # more than this does not belong on the event loop


class Provider:
    """The shop's account at the payment provider. Raises Unreached or Unanswered."""

    def __init__(self, peer: Peer, merchant: str) -> None:
        self._peer, self._requests = peer, ProviderRequests(merchant)

    async def charge(self, key: str, amount: Money, payment_method: str) -> ChargeOutcome:
        """Take the amount."""
        answer = await self._peer.post(*self._requests.charge(key, amount, payment_method))
        return charge_outcome(answer.status_code, answer.content)

    async def void(self, key: str) -> ChargeOutcome:
        """Call a charge off, also one that arrives later."""
        answer = await self._peer.post(*self._requests.void(key))
        return charge_outcome(answer.status_code, answer.content)

    async def refund(self, key: str, refund_key: str, amount: int) -> None:
        """Give `amount` minor units back. Raises RefundExceedsCapture, too."""
        answer = await self._peer.post(*self._requests.refund(key, refund_key, amount))
        check_refunded(answer.status_code, answer.content)


class Charges:
    """Takes money at the provider, with the order's id as the key."""

    def __init__(
        self, database: Database, outbox: Outbox, provider: Provider, settings: PaymentsSettings, metrics: Metrics
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._provider = provider
        self._settings = settings
        self._metrics = metrics

    async def charge(self, body: ChargeInput) -> ChargeResult:
        """Charge an order, or tell what became of the charge. `pending`: an event will tell the end."""
        inject("payments", body.payment_method)
        row = {
            "id": body.payment_id,
            "order_id": body.order_id,
            "customer_id": body.customer_id,
            "amount": body.amount.amount,
            "currency": body.amount.currency,
            "payment_method": body.payment_method,
            "risk_score": await self._risk(body),
            "due_in_s": self._settings.recovery_after_s,
        }
        payment = (await self._database.write(RECORD, row))[0]
        if not payment.is_new:
            return ChargeResult(payment_id=payment.id, status=payment.status, reason=payment.reason)
        failpoint("payment.recorded")
        try:
            outcome = await self._take(payment)
        except Unanswered as error:
            log.warning("charge of order %s: %s; it will be settled later", payment.order_id, error)
            return ChargeResult(payment_id=payment.id, status="pending")
        failpoint("payment.charged")
        await self.settle(payment, outcome, tell=False)
        failpoint("payment.settled")
        return _result(payment.id, outcome)

    async def void(self, order_id: str) -> ChargeResult:
        """Void a charge for good. A charge that comes later is refused by the provider itself."""
        payment = await self.of_order(order_id)
        if payment is not None and payment.status != PaymentStatus.PENDING:
            return ChargeResult(payment_id=payment.id, status=payment.status, reason=payment.reason)
        payment_id = payment.id if payment is not None else ""
        try:
            outcome = await self._provider.void(order_id)
        except Unanswered as error:
            log.warning("void of order %s: %s", order_id, error)
            return ChargeResult(payment_id=payment_id, status="pending")
        if payment is not None:
            await self.settle(payment, outcome, tell=True)
        return _result(payment_id, outcome)

    async def of_order(self, order_id: str) -> Row[Any] | None:
        """Return the payment of an order; None if there is none."""
        rows = await self._database.read(select(payments).where(payments.c.order_id == order_id))
        return rows[0] if rows else None

    async def get(self, payment_id: str, who: Principal) -> Payment:
        """Return a payment to its owner or an admin. Raises NotFound, also for somebody else's."""
        rows = await self._database.read(select(payments).where(payments.c.id == payment_id))
        if not rows or (rows[0].customer_id != who.subject and not who.is_admin):
            raise NotFound("There is no such payment.")
        return Payment.of_row(rows[0])

    async def settle(self, payment: Row[Any], outcome: ChargeOutcome, *, tell: bool) -> bool:
        """Record the end of a charge; `tell` also if nobody was told `pending`. Return whether it was news."""
        event = payment_event(f"payment.{outcome.status}", payment, payment.id, reason=outcome.reason)
        rows = await self._database.write(
            SETTLE,
            {
                "order_id": payment.order_id,
                "status": outcome.status.value,
                "reason": outcome.reason,
                "tell": tell,
                "event_type": event.type,
                "payload": event.model_dump_json(),
            },
            continues=True,  # the provider has been asked
        )
        if any(row.has_event for row in rows):  # there is at most one
            self._outbox.wake.set()
        return bool(rows)

    async def settle_due(self) -> bool:
        """Settle charges without an answer: send them again with their key, or call off those that are too old."""
        rows = await self._database.write(CLAIM_PAYMENTS, {"least_s": self._settings.provider_timeout_s + 1})
        await asyncio.gather(*(self.settle_one(row) for row in rows))
        return len(rows) == BATCH

    async def settle_one(self, payment: Row[Any]) -> None:
        """Send a charge without an answer again, or void it if it is too old, and record what became of it."""
        try:
            if payment.age_s > self._settings.payment_give_up_s:
                outcome = await self._provider.void(payment.order_id)
            else:
                outcome = await self._take(payment)
        except Unanswered as error:
            log.info("payment %s stays pending: %s", payment.id, error)
            return
        if await self.settle(payment, outcome, tell=True):
            self._metrics.recovered.labels("payment").inc()

    async def _take(self, payment: Row[Any]) -> ChargeOutcome:
        """Send the charge; safe to repeat. Raises Unreached or Unanswered."""
        if payment.amount == 0:  # nothing to take, and no provider takes it
            return ChargeOutcome(PaymentStatus.CAPTURED)
        amount = Money(payment.amount, payment.currency)
        return await self._provider.charge(payment.order_id, amount, payment.payment_method)

    async def _risk(self, body: ChargeInput) -> int | None:
        work_ms = self._settings.risk_ms
        if work_ms > LONG_WORK_MS:
            return await asyncio.to_thread(risk_score, body.order_id, body.amount.amount, work_ms)
        return risk_score(body.order_id, body.amount.amount, work_ms) if work_ms else None


def payment_event(
    event_type: str, row: Row[Any], payment_id: str, *, reason: str | None = None, origin: str | None = None
) -> PaymentEvent:
    """Return the event that tells what became of a payment or of a refund; `row` is that of either."""
    return PaymentEvent(
        id=new_id(),
        type=event_type,  # type: ignore[arg-type]
        occurred_at=clock.now().isoformat(),
        trace_id=tracing.current(),
        traceparent=tracing.carried(),
        payment_id=payment_id,
        order_id=row.order_id,
        amount=MoneyBody(amount=row.amount, currency=row.currency),
        reason=reason,
        origin=origin,
    )


def _result(payment_id: str, outcome: ChargeOutcome) -> ChargeResult:
    return ChargeResult(payment_id=payment_id, status=outcome.status.value, reason=outcome.reason)
