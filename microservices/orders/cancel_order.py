"""Cancel an order: give the money back, then the stock. `settle.py` finishes what gets no answer here."""

from __future__ import annotations

from microservices.kit.web import Answer
from microservices.orders.order import OrderState
from microservices.orders.service import Orders, VersionConflict
from shared.platform.failpoints import failpoint
from shared.platform.tokens import Principal


async def cancel_order(orders: Orders, who: Principal, order_id: str) -> Answer:
    """Return 200 (cancelled) or 202 (cancelling). Raises NotFound or NotCancellable."""
    # 1. Check and mark.
    order = await orders.mark_cancelling(order_id, who)
    if order is None:  # marked before: it is on its way, or done
        return await orders.answers.to_cancel(order_id, who)
    failpoint("cancel.started")

    try:
        return await finish_cancel(orders, order)
    except VersionConflict:
        return await orders.answers.to_cancel(order_id, who)


async def finish_cancel(orders: Orders, order: OrderState) -> Answer:
    """Take a cancelling order to its end, or say that the end is not known yet. Safe to repeat."""
    # 2. Give the money back.
    refund = await orders.payments.refund_remaining(order)
    if refund.status == "pending":
        return Answer.of(202, order.body())

    # 3. Give the stock back.
    # 4. Tell the customer.
    answer = await orders.cancelled(order)  # one commit: the order, and the event that catalog and mail follow
    failpoint("cancel.done")
    return answer
