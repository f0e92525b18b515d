"""What becomes of an order once its payment or refund is settled: by the request, a webhook or the settle thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from monolith import catalog, idempotency
from monolith.notifications import About, Notifications
from monolith.orders import service
from monolith.payments import ChargeResult, RefundOrder, Refunds
from monolith.web import Answer, answer_of_error
from shared.domain.errors import IllegalTransition, OutOfStock, PaymentDeclined, PriceChanged
from shared.domain.money import Money
from shared.domain.notification import NotificationKind
from shared.domain.order import OrderStatus, RejectReason
from shared.domain.payment import PaymentStatus, RefundOrigin
from shared.platform.tokens import Principal

_UNPAID = (OrderStatus.PLACED, OrderStatus.PAYMENT_PENDING)
_REJECTIONS = {
    PaymentStatus.DECLINED: RejectReason.PAYMENT_DECLINED,
    PaymentStatus.VOIDED: RejectReason.PAYMENT_VOIDED,
}


@dataclass(frozen=True)
class Outcome:
    """The order as it is now, what its customer is answered, and what they are mailed, if anything."""

    order: Row[Any]
    answer: Answer
    tell: NotificationKind | None


def conclude(connection: Connection, order: Row[Any], result: ChargeResult) -> Outcome:
    """Confirm, reject or leave pending an unpaid order, whose payment the caller has just settled."""
    if result.status == PaymentStatus.CAPTURED:
        confirmed = _step(connection, order, OrderStatus.CONFIRMED)
        catalog.sell(connection, order.id)
        return Outcome(confirmed, _finish(connection, confirmed), NotificationKind.ORDER_CONFIRMED)
    if result.status == PaymentStatus.PENDING:
        pending = _step(connection, order, OrderStatus.PAYMENT_PENDING)
        return Outcome(pending, service.answer_about(pending, 202), NotificationKind.PAYMENT_PENDING)
    rejected = _step(connection, order, OrderStatus.REJECTED, _REJECTIONS[result.status])
    catalog.release(connection, order.id)
    answer = answer_of_error(PaymentDeclined("The payment was declined."), "/orders")
    idempotency.finish(connection, rejected.customer_id, rejected.idempotency_key, answer)
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
    service.insert_order(connection, order_id, payment_id, customer, key, [], status=rejected, reason=reason)
    answer = answer_of_error(refusal, "/orders")
    idempotency.finish(connection, customer.subject, key, answer)
    return answer


def on_payment_settled(
    notifications: Notifications, refunds: Refunds, connection: Connection, result: ChargeResult
) -> None:
    """Let the order follow its payment, in the transaction that settles the payment outside a request."""
    order = service.lock(connection, result.order_id)
    if order is None:
        return
    if order.status == OrderStatus.REJECTED and result.status == PaymentStatus.CAPTURED:
        refunds.record_late_capture(connection, order.id)
    if order.status not in _UNPAID or order.status == _status_of(result):
        return
    outcome = conclude(connection, order, result)
    if outcome.tell:
        notifications.enqueue(connection, outcome.tell, about(outcome.order))


def on_refunded(notifications: Notifications, connection: Connection, refund: RefundOrder) -> None:
    """Finish a cancellation, in the transaction that settles its refund outside the request."""
    if refund.origin != RefundOrigin.CANCEL:
        return
    order = service.lock(connection, refund.order_id)
    if order is not None and order.status == OrderStatus.CANCELLING:
        cancelled = service.must_step(connection, order, OrderStatus.CANCELLED)
        catalog.give_back(connection, cancelled.id)
        notifications.enqueue(connection, NotificationKind.ORDER_CANCELLED, about(cancelled))


def about(order: Row[Any]) -> About:
    """Return what a message about this order needs to know."""
    total = Money(order.total, order.currency)
    return About(order.id, order.customer_id, order.email, total, order.version, order.lines, order.reason)


def _finish(connection: Connection, confirmed: Row[Any]) -> Answer:
    answer = service.answer_about(confirmed, 201)
    idempotency.finish(connection, confirmed.customer_id, confirmed.idempotency_key, answer)
    return answer


def _step(connection: Connection, order: Row[Any], to: OrderStatus, reason: str | None = None) -> Row[Any]:
    """Take a step that the payment's lock makes ours; only `placed -> payment_pending` can have come between."""
    done = service.step(connection, order, to, reason)
    if done is None:
        now = service.lock(connection, order.id)
        if now is not None and now.status == to:
            return now
        done = service.step(connection, now, to, reason) if now is not None else None
    if done is None:
        raise IllegalTransition(f"Order {order.id} moved while its payment was locked.")
    return done


def _status_of(result: ChargeResult) -> OrderStatus | None:
    return OrderStatus.PAYMENT_PENDING if result.status == PaymentStatus.PENDING else None
