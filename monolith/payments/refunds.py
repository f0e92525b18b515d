"""Refunds: recorded under the payment's lock before the provider is asked, so that they never exceed the capture."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, text, update

from monolith import idempotency
from monolith.database import Database
from monolith.payments.charges import Charge, Provider, charge_of
from monolith.payments.tables import payments, refunds
from shared.contract.answers import Answer
from shared.contract.bodies import MoneyBody, Refund
from shared.domain.errors import FieldError, InvalidRequest, NotFound, RefundExceedsCapture, Unanswered
from shared.domain.ids import new_id
from shared.domain.money import Money
from shared.domain.payment import (
    PaymentStatus,
    RefundOrigin,
    RefundStatus,
    cancel_refund_key,
    check_refund,
    late_capture_refund_key,
)
from shared.platform import tracing
from shared.platform.failpoints import failpoint
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

_LOCK_PAYMENT = select(payments).with_for_update()
_BY_ID = _LOCK_PAYMENT.where(payments.c.id == bindparam("of_id"))
_BY_ORDER = _LOCK_PAYMENT.where(payments.c.order_id == bindparam("of_order"))
_PROMISED = select(func.coalesce(func.sum(refunds.c.amount), 0)).where(
    refunds.c.payment_id == bindparam("of_payment"), refunds.c.status != RefundStatus.REFUSED
)
_RECORD = insert(refunds).values(
    next_attempt_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("after_s"))
)
_SETTLE = (
    update(refunds)
    .where(refunds.c.provider_key == bindparam("of_key"), refunds.c.status == RefundStatus.PENDING)
    .values(status=bindparam("to_status"), updated_at=func.now())
)
# Not after the settle thread has taken it, which may have sent it; and not while a cancellation has counted on it: what
# this refund would have left is then nobody's.
_UNDO = text("""
    DELETE FROM refunds WHERE provider_key = :key AND status = 'pending' AND attempts = 0 AND NOT EXISTS
        (SELECT FROM refunds other WHERE other.payment_id = refunds.payment_id AND other.origin = 'cancel')
""")
_FIND = (
    select(refunds, payments.c.order_id, payments.c.currency)
    .join(payments, payments.c.id == refunds.c.payment_id)
    .where(refunds.c.provider_key == bindparam("of_key"))
)


@dataclass(frozen=True)
class RefundOrder:
    """A refund that is recorded and to be sent. `amount` 0 needs no call."""

    id: str
    payment_id: str
    order_id: str
    provider_key: str
    origin: RefundOrigin
    amount: Money
    requested_by: str | None = None
    idempotency_key: str | None = None


# Called inside the transaction that settles a refund.
OnRefunded = Callable[[Connection, RefundOrder], None]


class Refunds:
    """Records, sends and settles refunds. `on_refunded` is told of each that was settled outside a request."""

    on_refunded: OnRefunded

    def __init__(
        self,
        database: Database,
        provider: Provider,
        *,
        retry_after_s: float,
        metrics: Metrics,
    ) -> None:
        self._database, self._provider = database, provider
        self._retry_after_s = retry_after_s
        self._refused = metrics.refunds_refused

    def record_cancel(self, connection: Connection, order_id: str) -> RefundOrder:
        """Write the refund of what admin refunds have left, for a cancellation."""
        charge = charge_of(connection.execute(_BY_ORDER, {"of_order": order_id}).one())
        remaining = charge.amount.amount - self._promised(connection, charge.payment_id)
        return self._record(connection, charge, RefundOrigin.CANCEL, remaining, cancel_refund_key(order_id))

    def record_late_capture(self, connection: Connection, order_id: str) -> RefundOrder:
        """Write the full refund of a capture that showed up after its order was rejected."""
        charge = charge_of(connection.execute(_BY_ORDER, {"of_order": order_id}).one())
        key = late_capture_refund_key(order_id)
        return self._record(connection, charge, RefundOrigin.LATE_CAPTURE, charge.amount.amount, key, at_once=True)

    def send(self, refund: RefundOrder) -> RefundStatus:
        """Ask the provider to give the money back; `pending` if the outcome is not known. Safe to repeat."""
        try:
            return self.call(refund)
        except Unanswered:
            return RefundStatus.PENDING

    def record_result(self, connection: Connection, refund: RefundOrder, status: RefundStatus) -> bool:
        """Write the outcome, and the answer where a key waits for it; False if somebody else was first."""
        cursor = connection.execute(_SETTLE, {"of_key": refund.provider_key, "to_status": status})
        if cursor.rowcount and refund.requested_by and refund.idempotency_key:
            answer = final_answer(refund, status)
            idempotency.finish(connection, refund.requested_by, refund.idempotency_key, answer, idempotency.REFUND)
        return bool(cursor.rowcount)

    def settle(self, refund: RefundOrder, status: RefundStatus) -> None:
        """Record an outcome that came outside the request, and let the order follow. Raises Unavailable."""
        with self._database.transaction() as connection:
            if self.record_result(connection, refund, status):
                self.on_refunded(connection, refund)
        failpoint("refund.settled")

    def by_key(self, provider_key: str) -> RefundOrder | None:
        """Return the refund that the provider knows by this key, or None."""
        row = self._database.fetch_one(_FIND, {"of_key": provider_key})
        return refund_of(row) if row is not None else None

    def call(self, refund: RefundOrder) -> RefundStatus:
        """Return the provider's final word. Raises Unreached, Unanswered."""
        failpoint("refund.recorded")
        if refund.amount.amount == 0:
            return RefundStatus.REFUNDED
        try:
            self._provider.refund(refund.order_id, refund.provider_key, refund.amount.amount)
        except RefundExceedsCapture:
            if refund.requested_by is None:  # nobody waits for the answer who could take a no: it stays pending
                self._refused.inc()
                log.error(
                    "the provider refuses refund %s of order %s: the ledgers differ, and somebody must look",
                    refund.provider_key,
                    refund.order_id,
                )
            return RefundStatus.REFUSED
        failpoint("refund.sent")
        return RefundStatus.REFUNDED

    def record_admin(
        self, connection: Connection, payment_id: str, refund_id: str, amount: Money, requested_by: tuple[str, str]
    ) -> RefundOrder:
        """Write an admin's refund. Raises NotFound, InvalidRequest (currency), RefundExceedsCapture."""
        row = connection.execute(_BY_ID, {"of_id": payment_id}).first()
        if row is None:
            raise NotFound("There is no such payment.")
        charge = charge_of(row)
        if charge.amount.currency != amount.currency:
            error = FieldError("amount.currency", f"the payment was made in {charge.amount.currency}")
            raise InvalidRequest("A refund has the currency of its payment.", [error])
        captured = charge.amount.amount if row.status == PaymentStatus.CAPTURED else 0
        check_refund(amount.amount, captured, self._promised(connection, charge.payment_id))
        return self._record(connection, charge, RefundOrigin.ADMIN, amount.amount, refund_id, requested_by=requested_by)

    def undo(self, connection: Connection, refund: RefundOrder) -> bool:
        """Take back a refund that never reached the provider; False if it must be finished instead."""
        connection.execute(_BY_ID, {"of_id": refund.payment_id})
        return bool(connection.execute(_UNDO, {"key": refund.provider_key}).rowcount)

    def _promised(self, connection: Connection, payment_id: str) -> int:
        return int(connection.execute(_PROMISED, {"of_payment": payment_id}).scalar_one())

    def _record(
        self,
        connection: Connection,
        charge: Charge,
        origin: RefundOrigin,
        amount: int,
        provider_key: str,
        *,
        requested_by: tuple[str, str] | None = None,
        at_once: bool = False,
    ) -> RefundOrder:
        owner, key = requested_by or (None, None)
        refund_id = provider_key if origin == RefundOrigin.ADMIN else new_id()
        connection.execute(
            _RECORD,
            {
                "id": refund_id,
                "payment_id": charge.payment_id,
                "provider_key": provider_key,
                "origin": origin,
                "amount": amount,
                "status": RefundStatus.PENDING,
                "requested_by": owner,
                "idempotency_key": key,
                "after_s": 0.0 if at_once else self._retry_after_s,
            },
        )
        money = Money(amount, charge.amount.currency)
        return RefundOrder(refund_id, charge.payment_id, charge.order_id, provider_key, origin, money, owner, key)


def refund_of(row: Row[Any]) -> RefundOrder:
    """Return the refund that a row records; the row carries order_id and currency of its payment too."""
    money = Money(row.amount, row.currency)
    return RefundOrder(
        str(row.id),
        str(row.payment_id),
        str(row.order_id),
        row.provider_key,
        RefundOrigin(row.origin),
        money,
        row.requested_by,
        row.idempotency_key,
    )


def final_answer(refund: RefundOrder, status: RefundStatus) -> Answer:
    """Return what an admin is answered once the provider has spoken."""
    if status == RefundStatus.REFUSED:
        refused = RefundExceedsCapture("The payment provider refused the refund.")
        return Answer.of_error(refused, instance=f"/payments/{refund.payment_id}/refunds", trace_id=tracing.current())
    body = Refund(id=refund.id, payment_id=refund.payment_id, status=status, amount=MoneyBody.of(refund.amount))
    return Answer.of(200, body)
