"""What the service answers about orders that exist: reads, replays of a key, lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from microservices.kit.database import Database
from microservices.kit.web import Answer
from microservices.orders.order import OrderState
from microservices.orders.tables import orders
from shared.contract.bodies import OrderInput, OrderPage
from shared.contract.parsing import Keyed
from shared.contract.queries import PageQuery, encode_cursor
from shared.domain.errors import (
    IdempotencyKeyReused,
    NotCancellable,
    NotFound,
    OutcomeUnknown,
    RequestInFlight,
    Unavailable,
)
from shared.domain.ids import known_id
from shared.domain.order import OrderStatus
from shared.platform.tokens import Principal


class Answers:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def order(self, order_id: str, who: Principal) -> Answer:
        """Return an order to its owner or an admin. Raises NotFound, also for somebody else's."""
        row = await self._find(order_id, None if who.is_admin else who.subject)
        return Answer.of(200, OrderState.of_row(row).body())

    async def orders_of(self, who: Principal, page: PageQuery) -> Answer:
        """Return a page of one's own orders, newest first."""
        statement = select(orders).where(orders.c.customer_id == who.subject)
        if page.after is not None:
            statement = statement.where(orders.c.id < page.after)
        rows = await self._database.read(statement.order_by(orders.c.id.desc()).limit(page.limit + 1))
        items = [OrderState.of_row(row).body() for row in rows[: page.limit]]
        more = len(rows) > page.limit
        return Answer.of(200, OrderPage(items=items, next_cursor=encode_cursor(items[-1].id) if more else None))

    async def replay(self, who: Principal, keyed: Keyed[OrderInput]) -> Answer:
        """Return the answer of a key that came before.

        Raises IdempotencyKeyReused, RequestInFlight or OutcomeUnknown.
        """
        same_key = orders.c.customer_id == who.subject, orders.c.idempotency_key == keyed.key
        rows = await self._read_known(*same_key)
        if not rows:
            raise RequestInFlight("The first request with this key was just undone; send it again.")
        if rows[0].fingerprint != keyed.fingerprint:
            raise IdempotencyKeyReused("This Idempotency-Key came before, with another body.")
        return _placed(rows[0]).replayed()

    async def answer_of_concurrent_settlement(self, order_id: str) -> Answer:
        """Return the answer to an order that somebody else has moved on. Raises OutcomeUnknown if there is none."""
        rows = await self._read_known(orders.c.id == order_id)
        if not rows or rows[0].status == OrderStatus.PLACED or rows[0].idempotency_key is None:
            raise OutcomeUnknown("The order is still being worked on; send the request again.")
        return _placed(rows[0])

    async def to_cancel(self, order_id: str, who: Principal) -> Answer:
        """Return the answer to cancelling an order again. Raises NotFound or NotCancellable."""
        row = await self._find(order_id, who.subject)
        if row.status == OrderStatus.CONFIRMED:
            raise NotCancellable("The time in which the order could be cancelled is over.")
        if row.status not in (OrderStatus.CANCELLING, OrderStatus.CANCELLED):
            raise NotCancellable(f"The order is {row.status}.")
        return Answer.of(200 if row.status == OrderStatus.CANCELLED else 202, OrderState.of_row(row).body())

    async def _read_known(self, *which: ColumnElement[bool]) -> Sequence[Row[Any]]:
        """Return an order that was placed before. That it cannot be read does not say that nothing happened."""
        try:
            return await self._database.read(select(orders).where(*which))
        except Unavailable as error:
            raise OutcomeUnknown("The database is away; what became of the order is not known.") from error

    async def _find(self, order_id: str, customer_id: str | None) -> Row[Any]:
        """Return an order of this customer, or anybody's for None. Raises NotFound."""
        rows = await self._database.read(select(orders).where(orders.c.id == known_id(order_id, "order")))
        if not rows or customer_id not in (None, rows[0].customer_id):
            raise NotFound("There is no such order.")
        return rows[0]


def _placed(row: Row[Any]) -> Answer:
    """Return the stored answer of POST /orders, or the current 202. Raises RequestInFlight while there is none."""
    if row.answer_status is not None:
        return Answer(row.answer_status, row.answer_body, row.answer_media_type).located(row.id)
    if row.status == OrderStatus.PAYMENT_PENDING:
        return Answer.of(202, OrderState.of_row(row).body()).located(row.id)
    raise RequestInFlight("The first request with this key is still running.")
