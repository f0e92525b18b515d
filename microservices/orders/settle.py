"""What finishes orders that no request finishes: the recovery loop, and the events of the payments service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.orders.cancel_order import finish_cancel
from microservices.orders.clients import Outcome
from microservices.orders.order import OrderState
from microservices.orders.place_order import carry_on
from microservices.orders.service import Orders, Overtaken
from microservices.orders.tables import orders as orders_table
from shared.contract.events import PaymentEvent
from shared.domain.errors import PaymentDeclined, ShopError, Unavailable
from shared.domain.order import OrderStatus, RejectReason
from shared.domain.payment import PaymentStatus, RefundOrigin
from shared.platform import tracing
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

BATCH = 20


class TooEarly(Exception):
    """The request that placed this order still runs: deliver the event again in a moment."""


class Settler:
    """Leads orders to an end without a customer waiting."""

    def __init__(self, orders: Orders, metrics: Metrics) -> None:
        self._orders = orders
        self._metrics = metrics
        self._batch = BATCH

    async def resume_due(self) -> bool:
        """Carry on a batch of orders whose request has died or whose payment got no answer.

        Whoever does not answer may have too much to do: half as many are tried next, and not at once. Otherwise this
        loop alone could keep an overloaded payments service down, long after the customers have left.
        """
        due = await self._orders.claim_due(self._batch)
        answered = await asyncio.gather(*(self.resume(order, age_s) for order, age_s in due))
        full = len(due) == self._batch
        self._batch = min(BATCH, self._batch * 2) if all(answered) else max(1, self._batch // 2)
        return full and all(answered)

    async def resume(self, order: OrderState, age_s: float) -> bool:
        """Take an order further; False if somebody who is needed for that did not answer."""
        tracing.begin(None)
        try:
            if order.status == OrderStatus.PLACED:
                await carry_on(self._orders, order)
            elif order.status == OrderStatus.PAYMENT_PENDING:
                if not await self._ask_for_payment(order, age_s):
                    return False
            elif order.status == OrderStatus.CANCELLING:
                refund = await finish_cancel(self._orders, order)
                if refund.status == 202:
                    return True
        except (Overtaken, ShopError) as error:
            log.info("order %s is left for later: %s", order.id, error or type(error).__name__)
            return not isinstance(error, Unavailable)
        self._metrics.recovered.labels("order").inc()
        return True

    async def _ask_for_payment(self, order: OrderState, age_s: float) -> bool:
        """Send the charge again (it is safe), or call it off if it has been unknown for too long.

        Return whether payments answered.
        """
        if age_s > self._orders.settings.payment_give_up_s:
            charge = await self._orders.payments.void(order)
        else:
            charge = await self._orders.payments.charge(order)
        if charge.status != PaymentStatus.PENDING:
            await self._settle(order, charge, None)
        elif charge.promised:
            await self._orders.snooze(order)
        return charge.promised

    async def on_payment_events(self, connection: AsyncConnection, events: Sequence[PaymentEvent]) -> None:
        """Settle orders by what the payments service tells. Events commute: each looks at where the order is."""
        for event in events:
            tracing.begin(event.trace_id)
            locked = select(orders_table).where(orders_table.c.id == event.order_id).with_for_update()
            row = (await connection.execute(locked)).first()
            if row is None:
                log.error("%s tells of order %s, which does not exist", event.type, event.order_id)
                continue
            await self._on_payment_event(connection, event, OrderState.of_row(row))

    async def _on_payment_event(self, connection: AsyncConnection, event: PaymentEvent, order: OrderState) -> None:
        if event.type == "payment.refunded":
            if order.status == OrderStatus.CANCELLING and event.origin == RefundOrigin.CANCEL:
                await self._orders.cancelled(order, connection)
        elif order.status == OrderStatus.PLACED:
            raise TooEarly
        elif order.status == OrderStatus.PAYMENT_PENDING:
            outcome = Outcome(event.type.removeprefix("payment."), event.reason)
            await self._settle(order, outcome, connection)
        elif order.status == OrderStatus.REJECTED and event.type == "payment.captured":
            # The sale is off, but the money was taken after all: all of it goes back.
            await self._orders.put(connection, order.event("order.refund_due"))

    async def _settle(self, order: OrderState, charge: Outcome, connection: AsyncConnection | None) -> None:
        if charge.status == PaymentStatus.CAPTURED:
            await self._orders.confirm(order, connection)
            return
        voided = charge.status == PaymentStatus.VOIDED
        reason = RejectReason.PAYMENT_VOIDED if voided else RejectReason.PAYMENT_DECLINED
        refusal = PaymentDeclined("The payment was declined.")
        await self._orders.reject(order, refusal, reason=reason, connection=connection)
