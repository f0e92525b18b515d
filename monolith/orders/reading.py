"""Orders as their owners look at them."""

from __future__ import annotations

from sqlalchemy import bindparam, literal_column, select

from monolith.database import Database
from monolith.orders.order import OrderState
from monolith.orders.tables import orders
from shared.contract.bodies import OrderPage
from shared.contract.queries import PageQuery, encode_cursor
from shared.domain.errors import NotFound

_BY_ID = select(orders).where(orders.c.id == bindparam("of_id"))
_OWN = select(orders).where(orders.c.customer_id == bindparam("customer")).order_by(orders.c.id.desc())
_OLDER = orders.c.id < bindparam("after")


def read(database: Database, order_id: str, customer_id: str | None) -> OrderState:
    """Return an order; of this customer, or anybody's for None. Raises NotFound."""
    row = database.fetch_one(_BY_ID, {"of_id": order_id})
    if row is None or customer_id not in (None, row.customer_id):
        raise NotFound("There is no such order.")
    return OrderState.of_row(row)


def list_own(database: Database, customer_id: str, page: PageQuery) -> OrderPage:
    """Return a page of one's own orders, newest first."""
    parameters = {"customer": customer_id}
    statement = _OWN.limit(literal_column(str(page.limit + 1)))  # a limit in the text keeps the plan
    if page.after is not None:
        statement, parameters = statement.where(_OLDER), parameters | {"after": page.after}
    rows = database.fetch_all(statement, parameters)
    items = [OrderState.of_row(row).body() for row in rows[: page.limit]]
    return OrderPage(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > page.limit else None)
