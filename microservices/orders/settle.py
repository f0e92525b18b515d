"""What becomes of an order whose payment or refund is settled: by the events of the payments service, or a recovery."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.inbox import NotYet
from microservices.orders.clients import PaymentOutcome
from microservices.orders.order import OrderState
from microservices.orders.service import Orders
from microservices.orders.tables import orders as orders_table
from shared.contract.events import PaymentEvent
from shared.domain.errors import PaymentDeclined
from shared.domain.order import OrderStatus, RejectReason
from shared.domain.payment import PaymentStatus, RefundOrigin
from shared.platform import tracing

log = logging.getLogger(__name__)


class TooEarly(NotYet):
    """The request that placed this order still runs: deliver the event again in a moment."""


async def on_payment_events(orders: Orders, connection: AsyncConnection, events: Sequence[PaymentEvent]) -> None:
    """Settle orders by what the payments service tells. Events commute: each looks at where the order is."""
    for event in events:
        tracing.begin(event.trace_id)
        locked = select(orders_table).where(orders_table.c.id == event.order_id).with_for_update()
        row = (await connection.execute(locked)).first()
        if row is None:
            log.error("%s tells of order %s, which does not exist", event.type, event.order_id)
            continue
        await _on_payment_event(orders, connection, event, OrderState.of_row(row))


async def _on_payment_event(
    orders: Orders, connection: AsyncConnection, event: PaymentEvent, order: OrderState
) -> None:
    if event.type == "payment.refunded":
        if order.status == OrderStatus.CANCELLING and event.origin == RefundOrigin.CANCEL:
            await orders.cancelled(order, connection)
    elif order.status == OrderStatus.PLACED:
        raise TooEarly
    elif order.status == OrderStatus.PAYMENT_PENDING:
        outcome = PaymentOutcome(status=event.type.removeprefix("payment."), reason=event.reason)
        await settle(orders, order, outcome, connection)
    elif order.status == OrderStatus.REJECTED and event.type == "payment.captured":
        # The sale is off, but the money was taken after all: all of it goes back.
        await orders.put(connection, order.event("order.refund_due"))


async def settle(
    orders: Orders, order: OrderState, charge: PaymentOutcome, connection: AsyncConnection | None = None
) -> None:
    """Confirm or reject an order by its charge. Raises VersionConflict."""
    if charge.status == PaymentStatus.CAPTURED:
        await orders.confirm(order, connection)
        return
    voided = charge.status == PaymentStatus.VOIDED
    reason = RejectReason.PAYMENT_VOIDED if voided else RejectReason.PAYMENT_DECLINED
    refusal = PaymentDeclined("The payment was declined.")
    await orders.reject(order, refusal, reason=reason, connection=connection)
