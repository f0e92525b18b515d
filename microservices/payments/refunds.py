"""Refunds: recorded under the payment's lock before the provider is called, so that no two give back too much."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit import idempotency
from microservices.kit.database import Database
from microservices.kit.outbox import Outbox
from microservices.kit.web import Answer
from microservices.payments.charges import Provider, payment_event
from microservices.payments.config import PaymentsSettings
from microservices.payments.tables import BATCH, CLAIM_REFUNDS, payments, refunds
from shared.contract.bodies import MoneyBody, Refund
from shared.domain.errors import RefundExceedsCapture, ShopError, Unanswered
from shared.domain.ids import new_id
from shared.domain.payment import PaymentStatus, RefundOrigin, RefundStatus
from shared.platform import tracing
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)


class Refunds:
    """Gives money back: for an admin, for a cancelled order, for a capture that came too late."""

    def __init__(
        self, database: Database, outbox: Outbox, provider: Provider, settings: PaymentsSettings, metrics: Metrics
    ) -> None:
        self.database = database
        self._outbox = outbox
        self.provider = provider
        self._settings = settings
        self._metrics = metrics

    async def settle_due(self) -> bool:
        """Finish refunds whose answer is not known: send them again with their key."""
        rows = await self.database.write(CLAIM_REFUNDS, {"least_s": self._settings.provider_timeout_s + 1})
        await asyncio.gather(*(self.settle_one(row) for row in rows))
        return len(rows) == BATCH

    async def by_key(self, provider_key: str) -> Row[Any] | None:
        """Return the refund that the provider knows by this key, or None."""
        rows = await self.database.read(select(refunds).where(refunds.c.provider_key == provider_key))
        return rows[0] if rows else None

    async def settle_one(self, refund: Row[Any]) -> None:
        """Send a refund without an answer again, and record what became of it."""
        refusal = None
        try:
            await self.provider.refund(refund.order_id, refund.provider_key, refund.amount)
        except Unanswered as error:
            log.info("refund %s stays pending: %s", refund.id, error)
            return
        except RefundExceedsCapture as error:
            if refund.subject is None:
                self.note_refused(refund)
                return
            refusal = error
        await self.settle(refund, refusal)
        self._metrics.recovered.labels("refund").inc()

    def note_refused(self, refund: Row[Any]) -> None:
        """The provider refuses what our books say it owes, and nobody waits for the answer who could take a no.

        It stays pending, is seen as unfinished and asked for again: an order is not cancelled whose money is not back.
        """
        self._metrics.refunds_refused.inc()
        log.error(
            "the provider refuses refund %s of order %s: the ledgers differ, and somebody must look",
            refund.provider_key,
            refund.order_id,
        )

    async def record(
        self,
        connection: AsyncConnection,
        payment: Row[Any],
        *,
        amount: int,
        origin: RefundOrigin,
        provider_key: str,
        requested_by: tuple[str, str] | tuple[None, None] = (None, None),
        due_in_s: float | None = None,
    ) -> Row[Any]:
        """Write the refund down before the provider hears of it. Nothing left to give back is done at once.

        `requested_by` is the subject and the key of an admin who waits for the answer.
        """
        pending = amount > 0
        delay_s = self._settings.recovery_after_s if due_in_s is None else due_in_s
        values = {
            "id": provider_key if origin == RefundOrigin.ADMIN else new_id(),
            "payment_id": payment.id,
            "order_id": payment.order_id,
            "provider_key": provider_key,
            "amount": amount,
            "currency": payment.currency,
            "origin": origin.value,
            "status": RefundStatus.PENDING.value if pending else RefundStatus.REFUNDED.value,
            "subject": requested_by[0],
            "idempotency_key": requested_by[1],
            "due_at": func.now() + func.make_interval(0, 0, 0, 0, 0, 0, delay_s) if pending else None,
        }
        return (await connection.execute(insert(refunds).values(values).returning(*refunds.c))).one()

    async def settle(self, refund: Row[Any], refusal: ShopError | None) -> Answer:
        """Record the end of a refund, store the answer under the admin's key, tell it in an event."""
        status = RefundStatus.REFUSED if refusal else RefundStatus.REFUNDED
        answer = _answer(refund, refusal)
        async with self.database.transaction(continues=True) as connection:  # the provider has been asked
            pending = refunds.c.id == refund.id, refunds.c.status == RefundStatus.PENDING
            changes = {"status": status.value, "due_at": None, "updated_at": func.now()}
            # The payment's lock first, as everywhere: two refunds of one payment must not wait for each other.
            await locked(connection, payments.c.id == refund.payment_id)
            settled = (
                await connection.execute(update(refunds).where(*pending).values(changes).returning(refunds.c.id))
            ).first()
            if settled is None:
                return answer  # the loop, the webhook or the request was faster
            if refusal is None:
                grown = {"refunded": payments.c.refunded + refund.amount, "updated_at": func.now()}
                await connection.execute(update(payments).where(payments.c.id == refund.payment_id).values(grown))
                event = payment_event("payment.refunded", refund, refund.payment_id, origin=refund.origin)
                await self._outbox.put(connection, event)
            if refund.subject is not None:
                await idempotency.finish(connection, refund.subject, refund.idempotency_key, answer)
        self._outbox.wake.set()
        return answer


async def locked(connection: AsyncConnection, which: Any) -> Row[Any] | None:
    return (await connection.execute(select(payments).where(which).with_for_update())).first()


async def given_back(connection: AsyncConnection, payment: Row[Any]) -> int:
    """Return what went back or is about to, in minor units. Needs the payment's lock."""
    if payment.status != PaymentStatus.CAPTURED:
        return 0
    total = select(func.coalesce(func.sum(refunds.c.amount), 0)).where(
        refunds.c.payment_id == payment.id, refunds.c.status != RefundStatus.REFUSED
    )
    return int((await connection.execute(total)).scalar_one())


def _answer(refund: Row[Any], refusal: ShopError | None) -> Answer:
    if refusal is not None:
        return Answer.of_error(refusal, instance=f"/payments/{refund.payment_id}/refunds", trace_id=tracing.current())
    body = Refund(
        id=refund.id,
        payment_id=refund.payment_id,
        status=RefundStatus.REFUNDED,
        amount=MoneyBody(amount=refund.amount, currency=refund.currency),
    )
    return Answer.of(200, body)
