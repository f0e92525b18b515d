"""The steps of a saga: each compares the order's version, and tells an event in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, column, text
from sqlalchemy.dialects.postgresql import JSONB

from monolith import idempotency
from monolith.catalog import RemoteCatalog
from monolith.database import Database
from monolith.moving import Gate, Outbox
from monolith.orders import service
from monolith.orders.tables import orders
from monolith.payments import RemotePayments
from monolith.web import Answer, answer_of_error
from shared.contract.bodies import MoneyBody, OrderInput, OrderLine
from shared.contract.events import OrderEvent, OrderEventType
from shared.contract.inner import Reservation
from shared.domain.errors import ShopError
from shared.domain.ids import new_id
from shared.domain.money import SHOP_CURRENCY
from shared.domain.order import OrderStatus, RejectReason, check_transition
from shared.platform import tracing
from shared.platform.tokens import Principal

LEASE_S = 5.0
BATCH = 20

_BEGIN = text("""
    INSERT INTO sagas (order_id, payment_method, wanted, due_at)
    VALUES (CAST(:order_id AS uuid), :payment_method, :wanted, now() + make_interval(secs => :due_in_s))
""").bindparams(bindparam("wanted", type_=JSONB))
_DUE = text("""
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
    ), look_again AS (
        UPDATE sagas SET due_at = now() + make_interval(secs => :due_in_s) FROM step WHERE order_id = step.id
    ), told AS (
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
_NOT_DUE = text("UPDATE sagas SET due_at = NULL WHERE order_id = CAST(:id AS uuid)")


class Overtaken(Exception):
    """Somebody else (a recovery, an event, a webhook) has moved this order on: what we know of it is old."""


class Steps:
    """What placing, cancelling and settling are made of, and the services that they speak to."""

    def __init__(
        self,
        gate: Gate,
        outbox: Outbox,
        catalog: RemoteCatalog,
        payments: RemotePayments,
        *,
        recovery_after_s: float,
        give_up_s: float,
    ) -> None:
        self.gate, self.outbox, self.catalog, self.payments = gate, outbox, catalog, payments
        self.recovery_after_s, self.give_up_s = recovery_after_s, give_up_s

    def begin(
        self, connection: Connection, customer: Principal, key: str, order_id: str, wanted: OrderInput
    ) -> Row[Any]:
        """Write the order down, and what a recovery needs to carry it on."""
        order = service.insert_order(connection, order_id, new_id(), customer, key, [])
        saga = {
            "order_id": order_id,
            "payment_method": wanted.payment_method,
            "wanted": wanted.model_dump(include={"lines", "expected_total"}),
            "due_in_s": self.recovery_after_s,
        }
        connection.execute(_BEGIN, saga)
        return order

    def write_price(self, connection: Connection, order: Any) -> Row[Any]:
        """Write names and prices into an order that is paid in this process, which settles it by them.

        Raises Overtaken.
        """
        priced = {"lines": order.lines, "total": order.total, "currency": order.currency}
        seen = {"id": order.id, "seen_status": str(order.status), "seen_version": order.version}
        row = connection.execute(_PRICE, priced | seen).first()
        if row is None:
            raise Overtaken
        return row

    def confirm(self, connection: Connection, order: Any) -> Answer:
        """The money is taken: the sale stands. The event makes the catalog sell and the customer hear of it."""
        confirmed = self.step(connection, order, OrderStatus.CONFIRMED, "order.confirmed")
        answer = service.answer_about(confirmed, 201)
        if confirmed.idempotency_key is not None:
            idempotency.finish(connection, confirmed.customer_id, confirmed.idempotency_key, answer)
        return answer

    def wait_for_payment(self, connection: Connection, order: Any) -> Answer:
        """The money may be taken or not: keep the stock, and say that it takes longer."""
        # In this process the payment's own row says when to look again; a service is asked again if no event tells.
        due_in_s = self.recovery_after_s if self.gate.is_out("payments") else None
        pending = self.step(connection, order, OrderStatus.PAYMENT_PENDING, "order.payment_pending", due_in_s=due_in_s)
        return service.answer_about(pending, 202)

    def reject(self, connection: Connection, order: Any, refusal: ShopError, reason: str = "") -> Answer:
        """The order ends here. The event makes the catalog give back what it may have reserved."""
        answer = answer_of_error(refusal, "/orders")
        # A mail only where the customer was left waiting: else the answer itself says it.
        notify = order.status == OrderStatus.PAYMENT_PENDING
        why = RejectReason(reason or refusal.code)
        rejected = self.step(connection, order, OrderStatus.REJECTED, "order.rejected", reason=why, notify=notify)
        if rejected.idempotency_key is not None:
            idempotency.finish(connection, rejected.customer_id, rejected.idempotency_key, answer)
        return answer

    def abandon(self, database: Database, order: Any) -> None:
        """The customer is about to be told 503: nothing may happen any more, and the key is free again."""
        with database.transaction(continues=True) as connection:
            self.step(
                connection, order, OrderStatus.REJECTED, "order.rejected",
                reason=RejectReason.UNAVAILABLE, notify=False, frees_key=True,
            )  # fmt: skip
            idempotency.free(connection, order.customer_id, order.idempotency_key)

    def forget(self, database: Database, order: Any) -> None:
        """An order for something that does not exist leaves nothing behind. Raises Overtaken."""
        with database.transaction(continues=True) as connection:
            if connection.execute(_FORGET, {"id": order.id, "version": order.version}).first() is None:
                raise Overtaken
            idempotency.free(connection, order.customer_id, order.idempotency_key)

    def cancelled(self, connection: Connection, order: Any) -> Answer:
        """The money is back. The event makes the catalog take the stock back and the customer hear of it."""
        return service.answer_about(self.step(connection, order, OrderStatus.CANCELLED, "order.cancelled"), 200)

    def look_again(self, connection: Connection, order_id: str) -> None:
        """Let the recovery take this order, should the request die."""
        connection.execute(_DUE, {"order_id": order_id, "due_in_s": self.recovery_after_s})

    def claim_due(self, database: Database) -> Sequence[Row[Any]]:
        """Take orders that a crash or a missing answer left behind; whoever held one loses its next step."""
        return database.write(_CLAIM, {"batch": BATCH, "lease_s": LEASE_S})

    def leave_alone(self, database: Database, order_id: str) -> None:
        """Nobody has to look at this order again: it has its end, or its payment's row says when."""
        database.write(_NOT_DUE, {"id": order_id})

    def step(
        self,
        connection: Connection,
        order: Any,
        to: OrderStatus,
        event_type: OrderEventType,
        *,
        reason: str | None = None,
        notify: bool = True,
        due_in_s: float | None = None,
        frees_key: bool = False,
    ) -> Row[Any]:
        """Write the new version and its event, if nobody was faster. Raises Overtaken, IllegalTransition."""
        check_transition(order.status, to)
        event = event_of(order, event_type, version=order.version + 1, reason=reason, notify=notify)
        values = {
            "id": order.id,
            "seen_status": str(order.status),
            "seen_version": order.version,
            "status": str(to),
            "lines": order.lines,
            "total": order.total,
            "currency": order.currency or SHOP_CURRENCY,
            "reason": reason,
            "idempotency_key": None if frees_key else order.idempotency_key,
            "due_in_s": due_in_s,
            "event_type": event.type,
            "payload": event.model_dump_json(),
        }
        row = connection.execute(_STEP, values).first()
        if row is None:
            raise Overtaken
        return row


def priced(order: Any, reservation: Reservation) -> Any:
    """Return the order with the catalog's names and prices. No step yet: nothing is written."""
    lines = [line.model_dump() for line in reservation.lines]
    total = reservation.total
    known = {"lines": lines, "total": total.amount, "currency": total.currency}
    return SimpleNamespace(**dict(order._mapping) | known)


def event_of(
    order: Any, event_type: OrderEventType, *, version: int | None = None, reason: str | None = None,
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
        lines=[OrderLine.model_validate(line) for line in order.lines],
        total=MoneyBody(amount=order.total, currency=order.currency) if order.total is not None else None,
        reason=reason or order.reason,
        notify=notify,
    )
