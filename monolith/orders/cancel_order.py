"""Cancel an order: mark it, give the money back, and only then the stock."""

from __future__ import annotations

from datetime import timedelta

from monolith import catalog
from monolith.orders import service
from monolith.orders.settle import about
from monolith.orders.shop import Shop
from monolith.web import Answer
from shared.domain.errors import NotCancellable, NotFound
from shared.domain.notification import NotificationKind
from shared.domain.order import OrderStatus
from shared.domain.payment import RefundStatus
from shared.platform.failpoints import failpoint

_ALREADY = {OrderStatus.CANCELLED: 200, OrderStatus.CANCELLING: 202}


def cancel_order(shop: Shop, customer_id: str, order_id: str) -> Answer:
    """Return 200 cancelled, or 202 cancelling while the refund is not known.

    Raises NotFound, NotCancellable, Unavailable (nothing has happened), OutcomeUnknown.
    """
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
    failpoint("cancel.started")

    # 2. Give the money back.
    status = shop.refunds.send(refund)
    if status != RefundStatus.REFUNDED:
        return service.answer_about(order, 202)  # the settle thread goes on

    with shop.database.transaction(continues=True) as connection:
        if not shop.refunds.record_result(connection, refund, status):  # somebody else was faster
            return service.answer_about(service.find(connection, order_id), 200)
        # 3. Give the stock back.
        order = service.must_step(connection, order, OrderStatus.CANCELLED)
        catalog.give_back(connection, order_id)

        # 4. Tell the customer.
        shop.notifications.enqueue(connection, NotificationKind.ORDER_CANCELLED, about(order))
    failpoint("refund.settled")
    failpoint("cancel.done")
    shop.notifications.dispatch(order_id)
    return service.answer_about(order, 200)
