"""Orders as they are kept: writing, reading, and the one way to take a step of their life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, literal_column, select, update

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
_BY_ID_LOCKED = (
    select(orders, func.now().label("database_now")).where(orders.c.id == bindparam("of_id")).with_for_update()
)
_OWN = select(orders).where(orders.c.customer_id == bindparam("customer")).order_by(orders.c.id.desc())
_OLDER = orders.c.id < bindparam("after")


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
) -> Row[Any]:
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
    return connection.execute(_INSERT, values).one()


def step(connection: Connection, order: Row[Any], to: OrderStatus, reason: str | None = None) -> Row[Any] | None:
    """Take the order one step further and return it as it is now; None if somebody else was first.

    A compare-and-set on (status, version). Raises IllegalTransition for what is no step at all.
    """
    check_transition(order.status, to)
    done = connection.execute(
        _STEP,
        {
            "of_id": order.id,
            "from_status": order.status,
            "from_version": order.version,
            "to_status": to,
            "why": reason,
        },
    )
    return done.first()


def must_step(connection: Connection, order: Row[Any], to: OrderStatus) -> Row[Any]:
    """Take a step that the caller's locks make its own. Raises IllegalTransition if it was not."""
    done = step(connection, order, to)
    if done is None:
        raise IllegalTransition(f"Order {order.id} moved under a lock.")
    return done


def find(connection: Connection, order_id: str) -> Row[Any]:
    """Return the order as it is. Raises NotFound."""
    row = connection.execute(_BY_ID, {"of_id": order_id}).first()
    if row is None:
        raise NotFound("There is no such order.")
    return row


def lock(connection: Connection, order_id: str) -> Row[Any] | None:
    """Return the order under its lock, with the database's time as `database_now`; None if it is not there."""
    return connection.execute(_BY_ID_LOCKED, {"of_id": order_id}).first()


def read(database: Database, order_id: str, customer_id: str | None) -> Row[Any]:
    """Return an order; of this customer, or anybody's for None. Raises NotFound."""
    row = database.fetch_one(_BY_ID, {"of_id": order_id})
    if row is None or customer_id not in (None, row.customer_id):
        raise NotFound("There is no such order.")
    return row


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
    items = [body_of(row) for row in rows[: page.limit]]
    return OrderPage(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > page.limit else None)


def body_of(row: Row[Any]) -> Order:
    """Return the body that its owner sees."""
    return Order(
        id=row.id,
        status=OrderStatus(row.status),
        lines=[OrderLine.model_validate(line) for line in row.lines],
        total=MoneyBody(amount=row.total, currency=row.currency) if row.total is not None else None,
        payment_id=row.payment_id,
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def answer_about(row: Row[Any], status: int) -> Answer:
    """Return the answer that carries the order, and where to find it."""
    return located(answer_with(body_of(row), status), row.id)


def located(answer: Answer, order_id: str) -> Answer:
    """Return the answer with a Location, if it is one of success."""
    return answer.with_headers(Location=f"/orders/{order_id}") if answer.status in (201, 202) else answer
