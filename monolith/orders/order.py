"""An order, and how it is kept: written, read, and taken from one step of its life to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, literal_column, select, text, update

from monolith import idempotency
from monolith.database import Database
from monolith.orders.tables import orders
from monolith.web import Answer, answer_with
from shared.contract.bodies import MoneyBody, Order, OrderLine, OrderPage
from shared.contract.queries import PageQuery, encode_cursor
from shared.domain.errors import FieldError, IllegalTransition, InvalidRequest, NotFound
from shared.domain.ids import is_id
from shared.domain.money import SHOP_CURRENCY
from shared.domain.order import OrderStatus, PricedLine, check_transition, order_total
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
_FORGET_KEYS = update(orders).where(orders.c.id.in_(bindparam("ids", expanding=True))).values(idempotency_key=None)
_OWN = select(orders).where(orders.c.customer_id == bindparam("customer")).order_by(orders.c.id.desc())
_OLDER = orders.c.id < bindparam("after")


@dataclass(frozen=True)
class OrderState:
    """One version of an order. `lines` is empty and `total` None if it was refused before it was priced."""

    id: str
    customer_id: str
    email: str
    idempotency_key: str | None
    status: OrderStatus
    version: int
    payment_id: str
    lines: list[OrderLine]
    total: MoneyBody | None
    reason: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of_row(cls, row: Row[Any]) -> OrderState:
        """Return the order of a row of the table."""
        return cls(
            id=row.id,
            customer_id=row.customer_id,
            email=row.email,
            idempotency_key=row.idempotency_key,
            status=OrderStatus(row.status),
            version=row.version,
            payment_id=row.payment_id,
            lines=[OrderLine.model_validate(line) for line in row.lines],
            total=MoneyBody(amount=row.total, currency=row.currency) if row.total is not None else None,
            reason=row.reason,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def body(self) -> Order:
        """Return the order as its owner sees it."""
        return Order(
            id=self.id,
            status=self.status,
            lines=self.lines,
            total=self.total,
            payment_id=self.payment_id,
            reason=self.reason,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )

    def answer(self, status: int) -> Answer:
        """Return the answer that carries the order, and where to find it."""
        return located(answer_with(self.body(), status), self.id)


def located(answer: Answer, order_id: str) -> Answer:
    """Return the answer with a Location, if it is one of success."""
    return answer.with_headers(Location=f"/orders/{order_id}") if answer.status in (201, 202) else answer


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
    row = connection.execute(
        _STEP,
        {
            "of_id": order.id,
            "from_status": order.status,
            "from_version": order.version,
            "to_status": to,
            "why": reason,
        },
    ).first()
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


def read(database: Database, order_id: str, customer_id: str | None) -> OrderState:
    """Return an order; of this customer, or anybody's for None. Raises NotFound."""
    row = database.fetch_one(_BY_ID, {"of_id": order_id})
    if row is None or customer_id not in (None, row.customer_id):
        raise NotFound("There is no such order.")
    return OrderState.of_row(row)


def list_own(database: Database, customer_id: str, page: PageQuery) -> OrderPage:
    """Return a page of one's own orders, newest first. Raises InvalidRequest for a cursor of another list."""
    parameters = {"customer": customer_id}
    statement = _OWN.limit(literal_column(str(page.limit + 1)))  # a limit in the text keeps the plan
    if page.after is not None:
        if not is_id(page.after):
            error = FieldError("cursor", "is not a cursor of this list")
            raise InvalidRequest("The parameter cursor is not a cursor of this list.", [error])
        statement, parameters = statement.where(_OLDER), parameters | {"after": page.after}
    rows = database.fetch_all(statement, parameters)
    items = [OrderState.of_row(row).body() for row in rows[: page.limit]]
    return OrderPage(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > page.limit else None)


def prune_keys(kept_h: int, connection: Connection, batch: int) -> int:
    """Forget old keys, and let the orders that have had them have none, so that each may be used again."""
    forgotten = idempotency.prune(connection, kept_h, batch)
    connection.execute(_FORGET_KEYS, {"ids": forgotten})
    return len(forgotten)


def reset(connection: Connection) -> None:
    """Forget all orders."""
    connection.execute(text("TRUNCATE orders"))
