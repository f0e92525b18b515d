"""The steps of a saga: each compares the order's version, and tells an event in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, column, text
from sqlalchemy.dialects.postgresql import JSONB

from migration.inside_monolith.catalog import CatalogClient
from migration.inside_monolith.gate import Gate
from migration.inside_monolith.outbox import Outbox
from migration.inside_monolith.payments import PaymentsClient
from monolith import idempotency
from monolith.database import Database
from monolith.orders.order import OrderState, insert_order
from monolith.orders.tables import orders
from shared.contract.answers import Answer
from shared.contract.bodies import OrderInput
from shared.contract.events import OrderEvent, OrderEventType
from shared.domain.errors import PaymentDeclined, ShopError
from shared.domain.ids import new_id
from shared.domain.money import SHOP_CURRENCY
from shared.domain.order import OrderStatus, RejectReason, check_transition
from shared.domain.payment import PaymentStatus
from shared.platform import tracing
from shared.platform.tokens import Principal

LEASE_S = 5.0
BATCH = 20

_BEGIN = text("""
    INSERT INTO sagas (order_id, payment_method, wanted, due_at)
    VALUES (CAST(:order_id AS uuid), :payment_method, :wanted, now() + make_interval(secs => :due_in_s))
""").bindparams(bindparam("wanted", type_=JSONB))
_SCHEDULE = text("""
    INSERT INTO sagas (order_id, payment_method, wanted, due_at)
    VALUES (CAST(:order_id AS uuid), '', '{}', now() + make_interval(secs => :due_in_s))
    ON CONFLICT (order_id) DO UPDATE SET due_at = excluded.due_at
""")
_PRICE = (
    text("""
    UPDATE orders SET lines = :lines, total = :total, currency = :currency, version = version + 1
    WHERE id = CAST(:id AS uuid) AND status = :seen_status AND version = :seen_version RETURNING *
""")
    .bindparams(bindparam("lines", type_=JSONB))
    .columns(*orders.c)
)
# A step, when somebody has to look again, and the event that tells it: all or nothing, in one trip.
_STEP = (
    text("""
    WITH step AS (
        UPDATE orders
        SET status = :status, version = version + 1, lines = :lines, total = :total, currency = :currency,
            reason = coalesce(:reason, reason), idempotency_key = :idempotency_key, updated_at = now()
        WHERE id = CAST(:id AS uuid) AND status = :seen_status AND version = :seen_version
        RETURNING *
    ), recovery AS (
        UPDATE sagas SET due_at = now() + make_interval(secs => CAST(:due_in_s AS float8))
        FROM step WHERE order_id = step.id AND CAST(:due_in_s AS float8) IS NOT NULL
    ), finished AS (
        DELETE FROM sagas USING step WHERE order_id = step.id AND CAST(:due_in_s AS float8) IS NULL
    ), event AS (
        INSERT INTO outbox (type, payload) SELECT :event_type, :payload FROM step
    )
    SELECT * FROM step
""")
    .bindparams(bindparam("lines", type_=JSONB))
    .columns(*orders.c)
)
_FORGET = text("""
    WITH gone AS (DELETE FROM orders WHERE id = CAST(:id AS uuid) AND status = 'placed' AND version = :version
                  RETURNING id)
    DELETE FROM sagas USING gone WHERE order_id = gone.id RETURNING order_id
""")
# The new version shuts out whoever held the order before: a request that is still running loses its next step.
_CLAIM = text("""
    WITH due AS (
        SELECT order_id FROM sagas WHERE due_at <= now() ORDER BY due_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE sagas SET due_at = now() + make_interval(secs => :lease_s) FROM due
        WHERE sagas.order_id = due.order_id RETURNING sagas.order_id, payment_method, wanted
    )
    UPDATE orders SET version = version + 1 FROM leased WHERE id = leased.order_id
    RETURNING orders.*, payment_method, wanted, extract(epoch FROM now() - created_at)::float8 AS age_s
""").columns(*orders.c, column("payment_method"), column("wanted", JSONB), column("age_s"))
_CANCEL_RECOVERY = text("DELETE FROM sagas WHERE order_id = CAST(:id AS uuid)")


class VersionConflict(Exception):
    """Somebody else (a recovery, an event, a webhook) has moved this order on: what we know of it is old."""


@dataclass(frozen=True)
class DueOrder:
    """An order that somebody has to carry on, `request` as it came (lines, expected total), and its age in seconds."""

    order: OrderState
    payment_method: str
    request: dict[str, Any]
    age_s: float


class SagaSteps:
    """What placing, cancelling and settling are made of, and the services that they speak to."""

    def __init__(
        self,
        gate: Gate,
        outbox: Outbox,
        catalog: CatalogClient,
        payments: PaymentsClient,
        *,
        recovery_after_s: float,
        give_up_s: float,
    ) -> None:
        self.gate, self.outbox, self.catalog, self.payments = gate, outbox, catalog, payments
        self.recovery_after_s, self.give_up_s = recovery_after_s, give_up_s

    def begin(
        self, connection: Connection, customer: Principal, key: str, order_id: str, body: OrderInput
    ) -> OrderState:
        """Write the order down, and what a recovery needs to carry it on."""
        order = insert_order(connection, order_id, new_id(), customer, key, [])
        saga = {
            "order_id": order_id,
            "payment_method": body.payment_method,
            "wanted": body.model_dump(include={"lines", "expected_total"}),
            "due_in_s": self.recovery_after_s,
        }
        connection.execute(_BEGIN, saga)
        return order

    def write_price(self, connection: Connection, order: OrderState) -> OrderState:
        """Write names and prices into an order that is paid in this process, which settles it by them.

        Raises VersionConflict.
        """
        precondition = {"id": order.id, "seen_status": order.status.value, "seen_version": order.version}
        row = connection.execute(_PRICE, _priced(order) | precondition).first()
        if row is None:
            raise VersionConflict
        return OrderState.of_row(row)

    def conclude(self, connection: Connection, order: OrderState, status: PaymentStatus) -> Answer:
        """Confirm, reject or leave pending an unpaid order, whose payment is settled. Raises VersionConflict."""
        if status == PaymentStatus.CAPTURED:
            return self.confirm(connection, order)
        if status == PaymentStatus.PENDING:
            return self.wait_for_payment(connection, order)
        voided = status == PaymentStatus.VOIDED
        reason = RejectReason.PAYMENT_VOIDED if voided else RejectReason.PAYMENT_DECLINED
        return self.reject(connection, order, PaymentDeclined("The payment was declined."), reason)

    def confirm(self, connection: Connection, order: OrderState) -> Answer:
        """The money is taken: the sale stands. The event makes the catalog sell and the customer hear of it."""
        confirmed = self.step(connection, order, OrderStatus.CONFIRMED, "order.confirmed")
        answer = confirmed.answer(201)
        if confirmed.idempotency_key is not None:
            idempotency.finish(
                connection, confirmed.customer_id, confirmed.idempotency_key, answer, idempotency.PLACE_ORDER
            )
        return answer

    def wait_for_payment(self, connection: Connection, order: OrderState) -> Answer:
        """The money may be taken or not: keep the stock, and say that it takes longer."""
        # In this process the payment's own row says when to look again; a service is asked again if no event tells.
        due_in_s = self.recovery_after_s if self.gate.is_extracted("payments") else None
        pending = self.step(connection, order, OrderStatus.PAYMENT_PENDING, "order.payment_pending", due_in_s=due_in_s)
        return pending.answer(202)

    def reject(self, connection: Connection, order: OrderState, refusal: ShopError, reason: str = "") -> Answer:
        """The order ends here. The event makes the catalog give back what it may have reserved."""
        answer = Answer.of_error(refusal, instance="/orders", trace_id=tracing.current())
        # A mail only where the customer was left waiting: else the answer itself says it.
        notify = order.status == OrderStatus.PAYMENT_PENDING
        why = RejectReason(reason or refusal.code)
        rejected = self.step(connection, order, OrderStatus.REJECTED, "order.rejected", reason=why, notify=notify)
        if rejected.idempotency_key is not None:
            idempotency.finish(
                connection, rejected.customer_id, rejected.idempotency_key, answer, idempotency.PLACE_ORDER
            )
        return answer

    def abandon(self, database: Database, order: OrderState) -> None:
        """The customer is about to be told 503: nothing may happen any more, and the key is free again."""
        with database.transaction(continues=True) as connection:
            self.step(
                connection, order, OrderStatus.REJECTED, "order.rejected",
                reason=RejectReason.UNAVAILABLE, notify=False, frees_key=True,
            )  # fmt: skip
            _free_key(connection, order)

    def forget(self, database: Database, order: OrderState) -> None:
        """An order for something that does not exist leaves nothing behind. Raises VersionConflict."""
        with database.transaction(continues=True) as connection:
            if connection.execute(_FORGET, {"id": order.id, "version": order.version}).first() is None:
                raise VersionConflict
            _free_key(connection, order)

    def cancelled(self, connection: Connection, order: OrderState) -> Answer:
        """The money is back. The event makes the catalog take the stock back and the customer hear of it."""
        return self.step(connection, order, OrderStatus.CANCELLED, "order.cancelled").answer(200)

    def schedule_recovery(self, connection: Connection, order_id: str) -> None:
        """Let the recovery take this order, should the request die."""
        connection.execute(_SCHEDULE, {"order_id": order_id, "due_in_s": self.recovery_after_s})

    def claim_due(self, database: Database) -> Sequence[DueOrder]:
        """Take orders that a crash or a missing answer left behind; whoever held one loses its next step."""
        rows = database.write(_CLAIM, {"batch": BATCH, "lease_s": LEASE_S})
        return [DueOrder(OrderState.of_row(row), row.payment_method, row.wanted, row.age_s) for row in rows]

    def cancel_recovery(self, database: Database, order_id: str) -> None:
        """Nobody has to look at this order again: it has its end, or its payment's row says when."""
        database.write(_CANCEL_RECOVERY, {"id": order_id})

    def step(
        self,
        connection: Connection,
        order: OrderState,
        to: OrderStatus,
        event_type: OrderEventType,
        *,
        reason: str | None = None,
        notify: bool = True,
        due_in_s: float | None = None,
        frees_key: bool = False,
    ) -> OrderState:
        """Write the new version and its event, if nobody was faster. Raises VersionConflict, IllegalTransition."""
        check_transition(order.status, to)
        event = event_of(order, event_type, version=order.version + 1, reason=reason, notify=notify)
        values = _priced(order) | {
            "id": order.id,
            "seen_status": order.status.value,
            "seen_version": order.version,
            "status": to.value,
            "reason": reason,
            "idempotency_key": None if frees_key else order.idempotency_key,
            "due_in_s": due_in_s,
            "event_type": event.type,
            "payload": event.model_dump_json(),
        }
        row = connection.execute(_STEP, values).first()
        if row is None:
            raise VersionConflict
        return OrderState.of_row(row)


def _priced(order: OrderState) -> dict[str, Any]:
    """Return what the catalog has made of an order, as columns."""
    return {
        "lines": [line.model_dump() for line in order.lines],
        "total": order.total.amount if order.total else None,
        "currency": order.total.currency if order.total else SHOP_CURRENCY,
    }


def _free_key(connection: Connection, order: OrderState) -> None:
    if order.idempotency_key is not None:
        idempotency.free(connection, [(order.customer_id, order.idempotency_key, idempotency.PLACE_ORDER)])


def event_of(
    order: OrderState, event_type: OrderEventType, *, version: int | None = None, reason: str | None = None,
    notify: bool = True,
) -> OrderEvent:  # fmt: skip
    """Return the event that tells what happened; `notify` is false where an HTTP answer said it already."""
    return OrderEvent(
        id=new_id(),
        type=event_type,
        occurred_at=datetime.now(UTC).isoformat(),
        trace_id=tracing.current(),
        traceparent=tracing.carried(),
        order_id=order.id,
        version=version or order.version,
        customer_id=order.customer_id,
        email=order.email,
        lines=order.lines,
        total=order.total,
        reason=reason or order.reason,
        notify=notify,
    )
