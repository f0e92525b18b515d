"""What finishes sagas that no request finishes: the recovery loop, webhooks, and the events of the payments service."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from monolith.notifications import Notifications
from monolith.orders import service, settle
from monolith.orders.remote.cancel_order import finish_cancel
from monolith.orders.remote.place_order import carry_on, conclude
from monolith.orders.remote.steps import BATCH, Overtaken, Steps, event_of
from monolith.orders.shop import Shop
from monolith.payments import Charge, ChargeResult, RefundOrder, Refunds
from shared.contract.bodies import OrderInput
from shared.contract.events import PaymentEvent
from shared.domain.errors import ShopError
from shared.domain.money import Money
from shared.domain.order import OrderStatus
from shared.domain.payment import PaymentStatus, RefundOrigin
from shared.platform import tracing
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

_UNPAID = (OrderStatus.PLACED, OrderStatus.PAYMENT_PENDING)


class TooEarly(Exception):
    """The request that placed this order still runs: deliver the event again in a moment."""


class Settler:
    """Leads orders to an end without a customer waiting."""

    def __init__(self, shop: Shop, steps: Steps, metrics: Metrics) -> None:
        self._shop, self._steps, self._recovered = shop, steps, metrics.recovered

    def resume_due(self) -> bool:
        """Carry on a batch of orders whose request has died or whose payment got no answer."""
        due = self._steps.claim_due(self._shop.database)
        for order in due:
            tracing.begin(None)
            try:
                self._resume(order)
            except (Overtaken, ShopError) as error:
                log.info("order %s is left for later: %s", order.id, error or type(error).__name__)
        self._steps.outbox.wake()
        return len(due) == BATCH

    def _resume(self, order: Any) -> None:
        if order.status == OrderStatus.PLACED:
            wanted = OrderInput(**order.wanted, payment_method=order.payment_method)
            carry_on(self._shop, self._steps, order, wanted)
        elif not self._steps.gate.is_out("payments") or order.status not in (*_UNPAID, OrderStatus.CANCELLING):
            self._steps.leave_alone(self._shop.database, order.id)
            return
        elif order.status == OrderStatus.PAYMENT_PENDING:
            self._ask_for_payment(order)
        else:
            with self._shop.database.transaction() as connection:
                refund = self._shop.refunds.record_cancel(connection, order.id)
            finish_cancel(self._shop, self._steps, order, refund)
        self._recovered.labels("order").inc()

    def _ask_for_payment(self, order: Any) -> None:
        """Send the charge again (it is safe), or call it off if it has been unknown for too long."""
        if order.age_s > self._steps.give_up_s:
            result = self._steps.payments.void(order.id)
        else:
            total = Money(order.total, order.currency)
            charge = Charge(order.id, order.payment_id, order.customer_id, total, order.payment_method)
            result = self._steps.payments.charge(charge)
        if result is not None and result.status != PaymentStatus.PENDING:
            with self._shop.database.transaction() as connection:
                conclude(self._steps, connection, order, result.status)


def on_payment_settled_anywhere(
    notifications: Notifications, refunds: Refunds, steps: Steps, connection: Connection, result: ChargeResult
) -> None:
    """Let the order follow its payment, in the transaction that settles the payment outside a request."""
    if not steps.gate.is_out("catalog"):
        settle.on_payment_settled(notifications, refunds, connection, result)
        return
    order = service.lock(connection, result.order_id)
    if order is None:
        return
    if order.status == OrderStatus.REJECTED and result.status == PaymentStatus.CAPTURED:
        refunds.record_late_capture(connection, order.id)
    is_news = result.status != PaymentStatus.PENDING or order.status == OrderStatus.PLACED
    if order.status in _UNPAID and is_news:
        conclude(steps, connection, order, result.status)


def on_refunded_anywhere(
    notifications: Notifications, steps: Steps, connection: Connection, refund: RefundOrder
) -> None:
    """Finish a cancellation, in the transaction that settles its refund outside the request."""
    if not steps.gate.is_out("catalog"):
        settle.on_refunded(notifications, connection, refund)
        return
    if refund.origin != RefundOrigin.CANCEL:
        return
    order = service.lock(connection, refund.order_id)
    if order is not None and order.status == OrderStatus.CANCELLING:
        steps.cancelled(connection, order)


def on_payment_events(steps: Steps, connection: Connection, events: Sequence[PaymentEvent]) -> None:
    """Settle orders by what the payments service tells. Events commute: each looks at where the order is."""
    for event in events:
        tracing.begin(event.trace_id)
        order = service.lock(connection, event.order_id)
        if order is None:
            log.error("%s tells of order %s, which does not exist", event.type, event.order_id)
        elif event.type == "payment.refunded":
            if order.status == OrderStatus.CANCELLING and event.origin == RefundOrigin.CANCEL:
                steps.cancelled(connection, order)
        elif order.status == OrderStatus.PLACED:
            raise TooEarly
        elif order.status == OrderStatus.PAYMENT_PENDING:
            conclude(steps, connection, order, PaymentStatus(event.type.removeprefix("payment.")))
        elif order.status == OrderStatus.REJECTED and event.type == "payment.captured":
            # The sale is off, but the money was taken after all: all of it goes back.
            steps.outbox.put(connection, event_of(order, "order.refund_due"))
