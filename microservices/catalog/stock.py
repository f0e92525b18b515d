"""Reservations: price and reserve in one step, and what becomes of the pieces later. Each step happens once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, TextClause, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.catalog.tables import reservations
from microservices.kit.database import Database
from shared.contract.events import OrderEvent
from shared.domain.errors import OutOfStock, ReservationRefused, ShopError, Unavailable
from shared.domain.money import SHOP_CURRENCY, Money
from shared.domain.order import PricedLine, check_expected_total, order_total
from shared.domain.stock import ReservationStatus, check_known

log = logging.getLogger(__name__)

Quantities = Sequence[tuple[str, int]]  # sku, quantity

_NEVER_A_TOTAL = -1  # another currency than ours is no total of ours: nothing is reserved

# What an order's event means for its pieces.
TARGET_OF_EVENT = {
    "order.confirmed": ReservationStatus.SOLD,
    "order.rejected": ReservationStatus.RELEASED,
    "order.cancelled": ReservationStatus.RETURNED,
}
EVENT_TYPES = tuple(TARGET_OF_EVENT)

# Price and reserve. Rows are locked in sku order, so that no two orders wait for each other; the reservation is
# written only if every line fits, and stock is taken only if the reservation was written. An order that is known
# already locks nothing. Answers one row for each product found; `reserved` says whether it happened.
RESERVE: TextClause = text("""
WITH wanted AS (
    SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:quantities AS bigint[]))
             WITH ORDINALITY AS line (sku, quantity, position)
), locked AS (
    SELECT p.sku, p.name, p.price, p.currency, p.available, wanted.quantity, wanted.position
    FROM wanted JOIN products p ON p.sku = wanted.sku
    WHERE NOT EXISTS (SELECT 1 FROM reservations WHERE order_id = CAST(:order_id AS uuid))
    ORDER BY p.sku
    FOR NO KEY UPDATE OF p
), reserved AS (
    INSERT INTO reservations (order_id, status, lines)
    SELECT CAST(:order_id AS uuid), 'reserved',
           jsonb_agg(jsonb_build_object('sku', sku, 'name', name, 'quantity', quantity,
                                        'unit_price', price, 'currency', currency) ORDER BY position)
    FROM locked
    HAVING count(*) = cardinality(CAST(:skus AS text[]))
       AND bool_and(available >= quantity)
       AND (CAST(:expected AS bigint) IS NULL OR sum(price * quantity) = CAST(:expected AS bigint))
    ON CONFLICT DO NOTHING
    RETURNING order_id
), taken AS (
    UPDATE products
    SET available = products.available - locked.quantity, reserved = products.reserved + locked.quantity
    FROM locked
    WHERE products.sku = locked.sku AND EXISTS (SELECT 1 FROM reserved)
)
SELECT sku, name, price, currency, available, quantity, EXISTS (SELECT 1 FROM reserved) AS reserved
FROM locked ORDER BY position
""")

RESERVATION = select(reservations.c.status, reservations.c.lines).where(
    reservations.c.order_id == bindparam("order_id")
)

RESTOCK: TextClause = text("""
UPDATE products SET restocked = restocked + :quantity, available = available + :quantity WHERE sku = :sku
RETURNING sku, name, description, category, price, currency, available
""")

# A release of an order that is not here refuses the reservation that may still come (rule 5).
BURY: TextClause = text("""
INSERT INTO reservations (order_id, status, lines)
SELECT order_id, 'tombstone', '[]' FROM unnest(CAST(:order_ids AS uuid[])) AS order_id ORDER BY order_id
ON CONFLICT DO NOTHING
""")

# The pieces of many orders go from pile to pile at once: orders in the order of their ids, then products in that of
# their skus, as when reserving. A step that was done, or that came too late, is not among the four and moves nothing.
MOVE: TextClause = text("""
WITH asked AS (
    SELECT * FROM unnest(CAST(:order_ids AS uuid[]), CAST(:targets AS text[])) AS asked (order_id, target)
), held AS (
    SELECT r.order_id, r.status, r.lines, asked.target
    FROM asked JOIN reservations r ON r.order_id = asked.order_id
    WHERE (r.status, asked.target) IN
          (('reserved', 'sold'), ('reserved', 'released'), ('reserved', 'returned'), ('sold', 'returned'))
    ORDER BY r.order_id
    FOR NO KEY UPDATE OF r
), moved AS (
    UPDATE reservations SET status = held.target, updated_at = now()
    FROM held WHERE reservations.order_id = held.order_id
), piles AS (
    SELECT line.sku,
           sum(CASE held.status WHEN 'reserved' THEN line.quantity ELSE 0 END) AS from_reserved,
           sum(CASE held.status WHEN 'sold' THEN line.quantity ELSE 0 END) AS from_sold,
           sum(CASE held.target WHEN 'sold' THEN line.quantity ELSE 0 END) AS to_sold,
           sum(CASE held.target WHEN 'sold' THEN 0 ELSE line.quantity END) AS to_available
    FROM held CROSS JOIN jsonb_to_recordset(held.lines) AS line (sku text, quantity bigint)
    GROUP BY line.sku
), locked AS (
    SELECT piles.* FROM piles JOIN products p ON p.sku = piles.sku ORDER BY p.sku FOR NO KEY UPDATE OF p
)
UPDATE products
SET reserved = products.reserved - locked.from_reserved,
    sold = products.sold - locked.from_sold + locked.to_sold,
    available = products.available + locked.to_available
FROM locked WHERE products.sku = locked.sku
""")


async def reserve(
    database: Database, order_id: str, quantities: Quantities, expected: Money | None
) -> list[PricedLine]:
    """Reserve every line at today's prices, or nothing. The same order again gets the same lines, at the same prices.

    Raises InvalidRequest for an unknown sku, PriceChanged, OutOfStock, and ReservationRefused after a release.
    """
    total = None
    if expected is not None:
        total = expected.amount if expected.currency == SHOP_CURRENCY else _NEVER_A_TOTAL
    parameters = {
        "order_id": order_id,
        "skus": [sku for sku, _ in quantities],
        "quantities": [quantity for _, quantity in quantities],
        "expected": total,
    }
    rows = await database.write(RESERVE, parameters)
    if rows and rows[0].reserved:
        return _priced(rows)
    earlier = await database.read(RESERVATION, {"order_id": order_id})
    if earlier:
        return _priced_before(earlier[0])
    raise _why_not(quantities, rows, expected)


def _priced(rows: Sequence[Row[Any]]) -> list[PricedLine]:
    return [PricedLine(row.sku, row.name, row.quantity, Money(row.price, row.currency)) for row in rows]


def _priced_before(earlier: Row[Any]) -> list[PricedLine]:
    if earlier.status not in (ReservationStatus.RESERVED, ReservationStatus.SOLD):
        raise ReservationRefused(f"The reservation of this order is {earlier.status}.")
    return [
        PricedLine(line["sku"], line["name"], line["quantity"], Money(line["unit_price"], line["currency"]))
        for line in earlier.lines
    ]


def _why_not(quantities: Quantities, rows: Sequence[Row[Any]], expected: Money | None) -> ShopError:
    check_known([sku for sku, _ in quantities], {row.sku for row in rows})
    check_expected_total(order_total(_priced(rows)), expected)
    short = [row.sku for row in rows if row.available < row.quantity]
    if short:
        return OutOfStock(short[0])
    return Unavailable("The reservation was undone while it was made.")  # fresh data was asked for in between


async def restock(connection: AsyncConnection, sku: str, quantity: int) -> Sequence[Row[Any]]:
    """Add pieces to what is available; return the product, in the columns of a list, or nothing."""
    return (await connection.execute(RESTOCK, {"sku": sku, "quantity": quantity})).all()


async def on_order_events(connection: AsyncConnection, events: Sequence[OrderEvent]) -> None:
    """Sell, release or give back the pieces of these orders, whatever the order in which their events come.

    A cancelled order's pieces come back whether `confirmed` was seen before, comes later, or stands in the same batch.
    """
    targets: dict[str, ReservationStatus] = {}
    for event in events:
        target = TARGET_OF_EVENT[event.type]
        if targets.get(event.order_id) != ReservationStatus.RETURNED:
            targets[event.order_id] = target
    released = [order_id for order_id, target in targets.items() if target == ReservationStatus.RELEASED]
    if released:
        # Tombstones first: this waits for a reservation that is being written, which the next statement then sees.
        await connection.execute(BURY, {"order_ids": released})
    await connection.execute(MOVE, {"order_ids": list(targets), "targets": [str(t) for t in targets.values()]})
