"""What becomes of an order whose payment or refund is settled outside its request, by a webhook or a loop."""

from __future__ import annotations

from sqlalchemy import Connection

from monolith.orders.order import conclude, lock, message_about, must_step
from monolith.orders.shop import Shop
from monolith.payments import ChargeResult, RefundOrder
from shared.domain.notification import NotificationKind
from shared.domain.order import OrderStatus
from shared.domain.payment import PaymentStatus, RefundOrigin

UNPAID = (OrderStatus.PLACED, OrderStatus.PAYMENT_PENDING)


def on_payment_settled(shop: Shop, connection: Connection, result: ChargeResult) -> None:
    """Let the order follow its payment, in the transaction that settles the payment outside a request."""
    order = lock(connection, result.order_id)
    if order is None:
        return
    if order.status == OrderStatus.REJECTED and result.status == PaymentStatus.CAPTURED:
        shop.refunds.record_late_capture(connection, order.id)
    is_news = result.status != PaymentStatus.PENDING or order.status == OrderStatus.PLACED
    if order.status not in UNPAID or not is_news:
        return
    outcome = conclude(shop.catalog, connection, order, result)
    if outcome.message:
        shop.notifications.enqueue(connection, outcome.message, message_about(outcome.order))


def on_refunded(shop: Shop, connection: Connection, refund: RefundOrder) -> None:
    """Finish a cancellation, in the transaction that settles its refund outside the request."""
    if refund.origin != RefundOrigin.CANCEL:
        return
    order = lock(connection, refund.order_id)
    if order is not None and order.status == OrderStatus.CANCELLING:
        cancelled = must_step(connection, order, OrderStatus.CANCELLED)
        shop.catalog.give_back(connection, cancelled.id)
        shop.notifications.enqueue(connection, NotificationKind.ORDER_CANCELLED, message_about(cancelled))
