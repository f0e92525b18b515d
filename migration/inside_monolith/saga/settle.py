"""What becomes of a saga's order once its payment or refund is settled, by a webhook or an event of payments."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from microservices.kit.inbox import NotYet
from migration.inside_monolith.saga.steps import SagaSteps, event_of
from monolith.orders import Shop
from monolith.orders.order import lock
from monolith.payments import ChargeResult, RefundOrder
from shared.contract.events import PaymentEvent
from shared.domain.order import OrderStatus
from shared.domain.payment import PaymentStatus, RefundOrigin
from shared.platform import tracing

log = logging.getLogger(__name__)

UNPAID = (OrderStatus.PLACED, OrderStatus.PAYMENT_PENDING)


def on_payment_settled(shop: Shop, steps: SagaSteps, connection: Connection, result: ChargeResult) -> None:
    """Let the order follow its payment, in the transaction that settles the payment outside a request."""
    order = lock(connection, result.order_id)
    if order is None:
        return
    if order.status == OrderStatus.REJECTED and result.status == PaymentStatus.CAPTURED:
        shop.refunds.record_late_capture(connection, order.id)
    is_news = result.status != PaymentStatus.PENDING or order.status == OrderStatus.PLACED
    if order.status in UNPAID and is_news:
        steps.conclude(connection, order, result.status)


def on_refunded(steps: SagaSteps, connection: Connection, refund: RefundOrder) -> None:
    """Finish a cancellation, in the transaction that settles its refund outside the request."""
    if refund.origin != RefundOrigin.CANCEL:
        return
    order = lock(connection, refund.order_id)
    if order is not None and order.status == OrderStatus.CANCELLING:
        steps.cancelled(connection, order)


def on_payment_events(steps: SagaSteps, connection: Connection, events: Sequence[PaymentEvent]) -> None:
    """Settle orders by what the payments service tells. Events commute: each looks at where the order is."""
    for event in events:
        tracing.begin(event.trace_id)
        order = lock(connection, event.order_id)
        if order is None:
            log.error("%s tells of order %s, which does not exist", event.type, event.order_id)
        elif event.type == "payment.refunded":
            if order.status == OrderStatus.CANCELLING and event.origin == RefundOrigin.CANCEL:
                steps.cancelled(connection, order)
        elif order.status == OrderStatus.PLACED:
            raise NotYet
        elif order.status == OrderStatus.PAYMENT_PENDING:
            steps.conclude(connection, order, PaymentStatus(event.type.removeprefix("payment.")))
        elif order.status == OrderStatus.REJECTED and event.type == "payment.captured":
            # The sale is off, but the money was taken after all: all of it goes back.
            steps.outbox.put(connection, event_of(order, "order.refund_due"))
