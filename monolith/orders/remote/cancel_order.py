"""Cancel an order whose catalog is a service: mark it, give the money back; the stock follows by an event."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from monolith.orders import service
from monolith.orders.remote.steps import Overtaken, Steps
from monolith.orders.shop import Shop
from monolith.payments import RefundOrder
from monolith.web import Answer
from shared.domain.errors import NotCancellable, NotFound
from shared.domain.order import OrderStatus
from shared.domain.payment import RefundStatus
from shared.platform.failpoints import failpoint

_ALREADY = {OrderStatus.CANCELLED: 200, OrderStatus.CANCELLING: 202}


def cancel_order(shop: Shop, steps: Steps, customer_id: str, order_id: str) -> Answer:
    """Return 200 cancelled, or 202 cancelling while the refund is not known. Raises NotFound, NotCancellable."""
    with shop.database.transaction() as connection:
        # 1. Check and mark.
        order = service.lock(connection, order_id)
        if order is None or order.customer_id != customer_id:
            raise NotFound("There is no such order.")
        if order.status in _ALREADY:
            return service.answer_about(order, _ALREADY[order.status])
        if order.status != OrderStatus.CONFIRMED:
            raise NotCancellable(f"The order is {order.status}.")
        if order.database_now > order.created_at + timedelta(seconds=shop.cancel_window_s):
            raise NotCancellable("The time in which the order could be cancelled is over.")
        order = service.must_step(connection, order, OrderStatus.CANCELLING)
        refund = shop.refunds.record_cancel(connection, order_id)
        if steps.gate.is_out("payments"):
            steps.look_again(connection, order_id)
    failpoint("cancel.started")
    try:
        return finish_cancel(shop, steps, order, refund)
    except Overtaken:
        now = service.read(shop.database, order_id, None)
        return service.answer_about(now, _ALREADY.get(now.status, 200))


def finish_cancel(shop: Shop, steps: Steps, order: Any, refund: RefundOrder) -> Answer:
    """Take a cancelling order to its end, or say that the end is not known yet. Safe to repeat. Raises Overtaken."""
    # 2. Give the money back.
    status = shop.refunds.send(refund)
    if status != RefundStatus.REFUNDED:
        return service.answer_about(order, 202)

    with shop.database.transaction(continues=True) as connection:
        if not shop.refunds.record_result(connection, refund, status):  # somebody else was faster
            raise Overtaken
        # 3. Give the stock back.
        # 4. Tell the customer.
        answer = steps.cancelled(connection, order)  # one commit: the order, and the event that catalog and mail follow
    failpoint("cancel.done")
    steps.outbox.wake()
    return answer
