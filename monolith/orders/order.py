"""An order, how it is kept, and how it goes on once its payment is settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from monolith import idempotency
from monolith.catalog import Catalog
from monolith.notifications import About
from monolith.orders.tables import orders
from monolith.payments import ChargeResult
from shared.contract.answers import Answer
from shared.contract.bodies import OrderLine
from shared.contract.orders import OrderVersion
from shared.domain.errors import IllegalTransition, NotFound, OutOfStock, PaymentDeclined, PriceChanged, ShopError
from shared.domain.money import SHOP_CURRENCY, Money
from shared.domain.notification import NotificationKind
from shared.domain.order import OrderStatus, PricedLine, RejectReason, check_transition, order_total
from shared.domain.payment import PaymentStatus
from shared.platform import tracing
from shared.platform.tokens import Principal

_INSERT = insert(orders).returning(*orders.c)
_STEP = (
    update(orders)
    .where(
        orders.c.id == bindparam("of_id"),
        orders.c.status == bindparam("from_status"),
        orders.c.version == bindparam("from_version"),
    )
    .values(
        status=bindparam("to_status"),
        version=orders.c.version + 1,
        reason=func.coalesce(bindparam("why"), orders.c.reason),
        updated_at=func.now(),
    )
    .returning(*orders.c)
)
_BY_ID = select(orders).where(orders.c.id == bindparam("of_id"))
_LOCK = select(orders, (func.now() - orders.c.created_at).label("age")).where(orders.c.id == bindparam("of_id"))
_LOCK = _LOCK.with_for_update()

_REJECTIONS = {
    PaymentStatus.DECLINED: RejectReason.PAYMENT_DECLINED,
    PaymentStatus.VOIDED: RejectReason.PAYMENT_VOIDED,
}


class OrderState(OrderVersion):
    """One version of an order, as its row has it."""

    @classmethod
    def of_row(cls, row: Row[Any]) -> OrderState:
        """Return the order of a row of the table."""
        return cls(**cls.fields_of(row))

    def answer(self, status: int) -> Answer:
        """Return the answer that carries the order, and where to find it."""
        return Answer.of(status, self.body()).located(self.id)


@dataclass(frozen=True)
class Conclusion:
    """The order as it is now, what its customer is answered, and what they are mailed, if anything."""

    order: OrderState
    answer: Answer
    message: NotificationKind | None


def insert_order(
    connection: Connection,
    order_id: str,
    payment_id: str,
    customer: Principal,
    key: str,
    lines: Sequence[PricedLine],
    *,
    status: OrderStatus = OrderStatus.PLACED,
    reason: str | None = None,
) -> OrderState:
    """Write a new order. Without lines it was refused before it was priced, and has no total."""
    total = order_total(lines) if lines else None
    values = {
        "id": order_id,
        "customer_id": customer.subject,
        "email": customer.email,
        "status": status,
        "lines": [OrderLine.of(line).model_dump() for line in lines],
        "total": total.amount if total else None,
        "currency": total.currency if total else SHOP_CURRENCY,
        "payment_id": payment_id,
        "reason": reason,
        "idempotency_key": key,
    }
    return OrderState.of_row(connection.execute(_INSERT, values).one())


def step(connection: Connection, order: OrderState, to: OrderStatus, reason: str | None = None) -> OrderState | None:
    """Take the order one step further and return it as it is now; None if somebody else was first.

    A compare-and-set on (status, version). Raises IllegalTransition for what is no step at all.
    """
    check_transition(order.status, to)
    precondition = {"of_id": order.id, "from_status": order.status, "from_version": order.version}
    row = connection.execute(_STEP, precondition | {"to_status": to, "why": reason}).first()
    return OrderState.of_row(row) if row is not None else None


def must_step(connection: Connection, order: OrderState, to: OrderStatus) -> OrderState:
    """Take a step that the caller's locks make its own. Raises IllegalTransition if it was not."""
    stepped = step(connection, order, to)
    if stepped is None:
        raise IllegalTransition(f"Order {order.id} moved under a lock.")
    return stepped


def find(connection: Connection, order_id: str) -> OrderState:
    """Return the order as it is. Raises NotFound."""
    row = connection.execute(_BY_ID, {"of_id": order_id}).first()
    if row is None:
        raise NotFound("There is no such order.")
    return OrderState.of_row(row)


def lock(connection: Connection, order_id: str) -> OrderState | None:
    """Return the order under its lock; None if it is not there."""
    row = connection.execute(_LOCK, {"of_id": order_id}).first()
    return OrderState.of_row(row) if row is not None else None


def lock_own(connection: Connection, order_id: str, customer_id: str) -> tuple[OrderState, timedelta]:
    """Return a customer's order under its lock, and its age by the database's clock. Raises NotFound."""
    row = connection.execute(_LOCK, {"of_id": order_id}).first()
    if row is None or row.customer_id != customer_id:
        raise NotFound("There is no such order.")
    return OrderState.of_row(row), row.age


def conclude(catalog: Catalog, connection: Connection, order: OrderState, result: ChargeResult) -> Conclusion:
    """Confirm, reject or leave pending an unpaid order, whose payment the caller has just settled."""
    if result.status == PaymentStatus.CAPTURED:
        confirmed = _step_on(connection, order, OrderStatus.CONFIRMED)
        catalog.sell(connection, order.id)
        return Conclusion(
            confirmed, _keep(connection, confirmed, confirmed.answer(201)), NotificationKind.ORDER_CONFIRMED
        )
    if result.status == PaymentStatus.PENDING:
        pending = _step_on(connection, order, OrderStatus.PAYMENT_PENDING)
        return Conclusion(pending, pending.answer(202), NotificationKind.PAYMENT_PENDING)
    rejected = _step_on(connection, order, OrderStatus.REJECTED, _REJECTIONS[result.status])
    catalog.release(connection, order.id)
    answer = _keep(connection, rejected, _refused(PaymentDeclined("The payment was declined.")))
    # A mail only where the customer has heard of a pending order: else the answer itself has said it. A loop may have
    # made the order pending, and told so, since the caller read it; the version tells.
    was_pending = order.status == OrderStatus.PAYMENT_PENDING or rejected.version > order.version + 1
    return Conclusion(rejected, answer, NotificationKind.ORDER_REJECTED if was_pending else None)


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
    answer = _refused(refusal)
    idempotency.finish(connection, customer.subject, key, answer, idempotency.PLACE_ORDER)
    return answer


def _refused(error: ShopError) -> Answer:
    return Answer.of_error(error, instance="/orders", trace_id=tracing.current())


def message_about(order: OrderState) -> About:
    """Return what a message about this order needs to know."""
    total = order.total.to_money() if order.total else Money(0)
    return About(order.id, order.customer_id, order.email, total, order.version, order.lines, order.reason)


def _keep(connection: Connection, order: OrderState, answer: Answer) -> Answer:
    """Return the final answer, kept under the order's key, if it still has one."""
    if order.idempotency_key is not None:
        idempotency.finish(connection, order.customer_id, order.idempotency_key, answer, idempotency.PLACE_ORDER)
    return answer


def _step_on(connection: Connection, order: OrderState, to: OrderStatus, reason: str | None = None) -> OrderState:
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
