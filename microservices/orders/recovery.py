"""The recovery loop: carries on what requests, crashes and an absent payments service have left open."""

from __future__ import annotations

import asyncio
import logging

from microservices.orders.cancel_order import finish_cancel
from microservices.orders.order import OrderState
from microservices.orders.place_order import carry_on
from microservices.orders.service import Orders, VersionConflict
from microservices.orders.settle import settle
from shared.domain.errors import ShopError, Unavailable
from shared.domain.order import OrderStatus
from shared.domain.payment import PaymentStatus
from shared.platform import tracing
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

BATCH = 20


class Recovery:
    """Leads orders to an end without a customer waiting."""

    def __init__(self, orders: Orders, metrics: Metrics) -> None:
        self._orders, self._metrics = orders, metrics
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
        except (VersionConflict, ShopError) as error:
            log.info("order %s is left for later: %s", order.id, error or type(error).__name__)
            return not isinstance(error, Unavailable)
        self._metrics.recovered.labels("order").inc()
        return True

    async def _ask_for_payment(self, order: OrderState, age_s: float) -> bool:
        """Send the charge again (it is safe), or void it if it has been unknown for too long.

        Return whether payments answered.
        """
        if age_s > self._orders.settings.payment_give_up_s:
            charge = await self._orders.payments.void(order)
        else:
            charge = await self._orders.payments.charge(order)
        if charge.status != PaymentStatus.PENDING:
            await settle(self._orders, order, charge)
        elif charge.promised:
            await self._orders.snooze(order)
        return charge.promised
