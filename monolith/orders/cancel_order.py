"""Cancel an order: mark it, give the money back, and only then the stock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from monolith.orders.order import OrderState, find, lock_own, message_about, must_step
from monolith.orders.shop import Shop
from shared.contract.answers import Answer
from shared.domain.errors import NotCancellable
from shared.domain.notification import NotificationKind
from shared.domain.order import OrderStatus
from shared.domain.payment import RefundStatus
from shared.platform.failpoints import failpoint

STATUS_OF_REPEAT = {OrderStatus.CANCELLED: 200, OrderStatus.CANCELLING: 202}  # cancelling twice answers the same


def cancel_order(shop: Shop, customer_id: str, order_id: str) -> Answer:
    """Return 200 cancelled, or 202 cancelling while the refund is not known.

    Raises NotFound, NotCancellable, Unavailable (nothing has happened), OutcomeUnknown.
    """
    with shop.database.transaction() as connection:
        # 1. Check and mark.
        order, age = lock_own(connection, order_id, customer_id)
        if order.status in STATUS_OF_REPEAT:
            return order.answer(STATUS_OF_REPEAT[order.status])
        order = mark_cancelling(connection, order, age, shop.cancel_window_s)
        refund = shop.refunds.record_cancel(connection, order_id)
    failpoint("cancel.started")

    # 2. Give the money back.
    status = shop.refunds.send(refund)
    if status != RefundStatus.REFUNDED:
        return order.answer(202)  # the settle thread goes on

    with shop.database.transaction(continues=True) as connection:
        if not shop.refunds.record_result(connection, refund, status):  # somebody else was faster
            return find(connection, order_id).answer(200)
        # 3. Give the stock back.
        order = must_step(connection, order, OrderStatus.CANCELLED)
        shop.catalog.give_back(connection, order_id)

        # 4. Tell the customer.
        shop.notifications.enqueue(connection, NotificationKind.ORDER_CANCELLED, message_about(order))
    failpoint("refund.settled")
    failpoint("cancel.done")
    shop.notifications.dispatch(order_id)
    return order.answer(200)


def mark_cancelling(connection: Connection, order: OrderState, age: timedelta, window_s: float) -> OrderState:
    """Take a confirmed order that is young enough to be cancelled to `cancelling`. Raises NotCancellable."""
    if order.status != OrderStatus.CONFIRMED:
        raise NotCancellable(f"The order is {order.status}.")
    if age > timedelta(seconds=window_s):
        raise NotCancellable("The time in which the order could be cancelled is over.")
    return must_step(connection, order, OrderStatus.CANCELLING)
