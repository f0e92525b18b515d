"""What is answered about orders that exist: to their owners, and to a key that came before."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, literal_column, select

from monolith import idempotency
from monolith.database import Database
from monolith.idempotency import Earlier
from monolith.orders.order import OrderState, find
from monolith.orders.tables import orders
from shared.contract.answers import Answer
from shared.contract.bodies import OrderPage
from shared.contract.queries import PageQuery, encode_cursor
from shared.domain.errors import IllegalTransition, NotFound, RequestInFlight
from shared.domain.order import OrderStatus

_BY_ID = select(orders).where(orders.c.id == bindparam("of_id"))
_OWN = select(orders).where(orders.c.customer_id == bindparam("customer")).order_by(orders.c.id.desc())
_OLDER = orders.c.id < bindparam("after")


def replay(connection: Connection, earlier: Earlier) -> Answer:
    """Return the final answer byte for byte, or the order while its payment is pending.

    Raises RequestInFlight or OutcomeUnknown.
    """
    if earlier.answer is not None:
        return earlier.answer.located(earlier.resource_id).replayed()
    with idempotency.key_is_taken():
        order = find(connection, earlier.resource_id)
    if order.status != OrderStatus.PAYMENT_PENDING:  # `placed`: the first request, or its recovery, still runs
        raise RequestInFlight("The first request with this key is still running.")
    return order.answer(202).replayed()


def answer_of_concurrent_settlement(connection: Connection, owner: str, key: str) -> Answer:
    """Return the final answer that a webhook or the settle thread has stored while the request was at work."""
    earlier = idempotency.find(connection, owner, key, idempotency.PLACE_ORDER)
    if earlier is None or earlier.answer is None:
        raise IllegalTransition("The payment was settled and its answer not kept.")
    return earlier.answer.located(earlier.resource_id)


def read_order(database: Database, order_id: str, customer_id: str | None) -> OrderState:
    """Return an order; of this customer, or anybody's for None. Raises NotFound."""
    row = database.fetch_one(_BY_ID, {"of_id": order_id})
    if row is None or customer_id not in (None, row.customer_id):
        raise NotFound("There is no such order.")
    return OrderState.of_row(row)


def list_orders(database: Database, customer_id: str, page: PageQuery) -> OrderPage:
    """Return a page of one's own orders, newest first."""
    parameters = {"customer": customer_id}
    statement = _OWN.limit(literal_column(str(page.limit + 1)))  # a limit in the text keeps the plan
    if page.after is not None:
        statement, parameters = statement.where(_OLDER), parameters | {"after": page.after}
    rows = database.fetch_all(statement, parameters)
    items = [OrderState.of_row(row).body() for row in rows[: page.limit]]
    return OrderPage(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > page.limit else None)
