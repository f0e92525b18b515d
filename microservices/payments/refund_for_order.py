"""Refunds that the orders service asks for: the rest of a cancelled order, and captures that came too late."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.payments.refunds import Refunds, given_back, locked
from microservices.payments.tables import payments
from microservices.payments.tables import refunds as refunds_table
from shared.contract.bodies import MoneyBody
from shared.contract.events import OrderEvent
from shared.contract.inner import CancelRefundResult
from shared.domain.errors import NotFound, RefundExceedsCapture, Unanswered
from shared.domain.payment import RefundOrigin, RefundStatus, cancel_refund_key, late_capture_refund_key
from shared.platform.failpoints import failpoint

log = logging.getLogger(__name__)


async def refund_for_cancel(refunds: Refunds, order_id: str) -> CancelRefundResult:
    """Give back what admin refunds have left of an order's payment. Asked again, it answers the same."""
    key = cancel_refund_key(order_id)
    async with refunds.database.transaction() as connection:
        payment = await locked(connection, payments.c.order_id == order_id)
        if payment is None:
            raise NotFound("There is no such payment.")
        refund = (await connection.execute(select(refunds_table).where(refunds_table.c.provider_key == key))).first()
        is_new = refund is None
        if refund is None:
            remaining = payment.captured - await given_back(connection, payment)
            refund = await refunds.record(
                connection, payment, amount=remaining, origin=RefundOrigin.CANCEL, provider_key=key
            )
    failpoint("refund.recorded")
    if not is_new or refund.status != RefundStatus.PENDING:
        return _cancel_result(refund, refund.status)
    try:
        await refunds.provider.refund(refund.order_id, refund.provider_key, refund.amount)
    except Unanswered as error:
        log.warning("refund of order %s: %s; it will be settled later", order_id, error)
        return _cancel_result(refund, RefundStatus.PENDING)
    except RefundExceedsCapture:
        refunds.note_refused(refund)
        return _cancel_result(refund, RefundStatus.PENDING)
    failpoint("refund.sent")
    await refunds.settle(refund, None)
    failpoint("refund.settled")
    return _cancel_result(refund, RefundStatus.REFUNDED)


async def on_refund_due(refunds: Refunds, connection: AsyncConnection, events: Sequence[OrderEvent]) -> None:
    """A capture came after its order was rejected: give back all that is left. The loop calls the provider."""
    for event in events:
        payment = await locked(connection, payments.c.order_id == event.order_id)
        if payment is None:
            log.error("a refund is due for order %s, which has no payment", event.order_id)
            continue
        key = late_capture_refund_key(event.order_id)
        earlier = (
            await connection.execute(select(refunds_table.c.id).where(refunds_table.c.provider_key == key))
        ).first()
        remaining = payment.captured - await given_back(connection, payment)
        if earlier is None and remaining > 0:
            await refunds.record(
                connection, payment, amount=remaining, origin=RefundOrigin.LATE_CAPTURE, provider_key=key, due_in_s=0.0
            )


def _cancel_result(refund: Row[Any], status: str) -> CancelRefundResult:
    return CancelRefundResult(
        status="refunded" if status == RefundStatus.REFUNDED else "pending",
        amount=MoneyBody(amount=refund.amount, currency=refund.currency),
    )
