"""What becomes of an order once its payment or refund is settled: by the request, a webhook or the settle thread."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from monolith import idempotency
from monolith.catalog import Catalog
from monolith.notifications import About
from monolith.orders.order import OrderState, insert_order, lock, must_step, step
from monolith.orders.shop import Shop
from monolith.payments import ChargeResult, RefundOrder
from monolith.web import Answer, answer_of_error
from shared.domain.errors import IllegalTransition, OutOfStock, PaymentDeclined, PriceChanged
from shared.domain.money import Money
from shared.domain.notification import NotificationKind
from shared.domain.order import OrderStatus, RejectReason
from shared.domain.payment import PaymentStatus, RefundOrigin
from shared.platform.tokens import Principal

UNPAID = (OrderStatus.PLACED, OrderStatus.PAYMENT_PENDING)
_REJECTIONS = {
    PaymentStatus.DECLINED: RejectReason.PAYMENT_DECLINED,
    PaymentStatus.VOIDED: RejectReason.PAYMENT_VOIDED,
}


@dataclass(frozen=True)
class Outcome:
    """The order as it is now, what its customer is answered, and what they are mailed, if anything."""

    order: OrderState
    answer: Answer
    message: NotificationKind | None


def conclude(catalog: Catalog, connection: Connection, order: OrderState, result: ChargeResult) -> Outcome:
    """Confirm, reject or leave pending an unpaid order, whose payment the caller has just settled."""
    if result.status == PaymentStatus.CAPTURED:
        confirmed = _step(connection, order, OrderStatus.CONFIRMED)
        catalog.sell(connection, order.id)
        return Outcome(confirmed, _finish(connection, confirmed), NotificationKind.ORDER_CONFIRMED)
    if result.status == PaymentStatus.PENDING:
        pending = _step(connection, order, OrderStatus.PAYMENT_PENDING)
        return Outcome(pending, pending.answer(202), NotificationKind.PAYMENT_PENDING)
    rejected = _step(connection, order, OrderStatus.REJECTED, _REJECTIONS[result.status])
    catalog.release(connection, order.id)
    answer = answer_of_error(PaymentDeclined("The payment was declined."), "/orders")
    _keep(connection, rejected, answer)
    was_pending = order.status == OrderStatus.PAYMENT_PENDING  # else the answer itself has said it
    return Outcome(rejected, answer, NotificationKind.ORDER_REJECTED if was_pending else None)


def refuse(
    connection: Connection,
    order_id: str,
    payment_id: str,
    customer: Principal,
    key: str,
    refusal: OutOfStock | PriceChanged,
) -> Answer:
    """Keep an order that was refused before it was paid, and its final answer."""
    rejected, reason = OrderStatus.REJECTED, RejectReason(refusal.code)
    insert_order(connection, order_id, payment_id, customer, key, [], status=rejected, reason=reason)
    answer = answer_of_error(refusal, "/orders")
    idempotency.finish(connection, customer.subject, key, answer)
    return answer


def on_payment_settled(shop: Shop, connection: Connection, result: ChargeResult) -> None:
    """Let the order follow its payment, in the transaction that settles the payment outside a request."""
    order = lock(connection, result.order_id)
    if order is None:
        return
    if order.status == OrderStatus.REJECTED and result.status == PaymentStatus.CAPTURED:
        shop.refunds.record_late_capture(connection, order.id)
    if order.status not in UNPAID or order.status == _status_of(result):
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


def message_about(order: OrderState) -> About:
    """Return what a message about this order needs to know."""
    total = order.total.to_money() if order.total else Money(0)
    return About(order.id, order.customer_id, order.email, total, order.version, order.lines, order.reason)


def _finish(connection: Connection, confirmed: OrderState) -> Answer:
    answer = confirmed.answer(201)
    _keep(connection, confirmed, answer)
    return answer


def _keep(connection: Connection, order: OrderState, answer: Answer) -> None:
    """Keep the final answer under the order's key, if it still has one."""
    if order.idempotency_key is not None:
        idempotency.finish(connection, order.customer_id, order.idempotency_key, answer)


def _step(connection: Connection, order: OrderState, to: OrderStatus, reason: str | None = None) -> OrderState:
    """Take a step that the payment's lock makes ours; only `placed -> payment_pending` can have come between."""
    stepped = step(connection, order, to, reason)
    if stepped is None:
        now = lock(connection, order.id)
        if now is not None and now.status == to:
            return now
        stepped = step(connection, now, to, reason) if now is not None else None
    if stepped is None:
        raise IllegalTransition(f"Order {order.id} moved while its payment was locked.")
    return stepped


def _status_of(result: ChargeResult) -> OrderStatus | None:
    return OrderStatus.PAYMENT_PENDING if result.status == PaymentStatus.PENDING else None
