"""Reservations: price and reserve in one step, and what becomes of the pieces later. Each step happens once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.catalog.statements import BURY, MOVE, RESERVATION, RESERVE
from microservices.kit.database import Database
from shared.contract.events import OrderEvent
from shared.domain.errors import FieldError, InvalidRequest, OutOfStock, ReservationRefused, ShopError, Unavailable
from shared.domain.money import SHOP_CURRENCY, Money
from shared.domain.order import PricedLine, check_expected_total, order_total
from shared.domain.stock import ReservationStatus

log = logging.getLogger(__name__)

Wanted = Sequence[tuple[str, int]]  # sku, quantity

_NEVER_A_TOTAL = -1  # another currency than ours is no total of ours: nothing is reserved

# What an order's event means for its pieces.
TARGET_OF_EVENT = {
    "order.confirmed": ReservationStatus.SOLD,
    "order.rejected": ReservationStatus.RELEASED,
    "order.cancelled": ReservationStatus.RETURNED,
}
EVENT_TYPES = tuple(TARGET_OF_EVENT)


async def reserve(database: Database, order_id: str, wanted: Wanted, expected: Money | None) -> list[PricedLine]:
    """Reserve every line at today's prices, or nothing. The same order again gets the same lines, at the same prices.

    Raises InvalidRequest for an unknown sku, PriceChanged, OutOfStock, and ReservationRefused after a release.
    """
    total = None
    if expected is not None:
        total = expected.amount if expected.currency == SHOP_CURRENCY else _NEVER_A_TOTAL
    parameters = {
        "order_id": order_id,
        "skus": [sku for sku, _ in wanted],
        "quantities": [quantity for _, quantity in wanted],
        "expected": total,
    }
    found = await database.commit_one(RESERVE, parameters)
    if found and found[0].reserved:
        return _priced(found)
    known = await database.read(RESERVATION, {"order_id": order_id})
    if known:
        return _priced_before(known[0])
    raise _why_not(wanted, found, expected)


def _priced(rows: Sequence[Row[Any]]) -> list[PricedLine]:
    return [PricedLine(row.sku, row.name, row.quantity, Money(row.price, row.currency)) for row in rows]


def _priced_before(known: Row[Any]) -> list[PricedLine]:
    if known.status not in (ReservationStatus.RESERVED, ReservationStatus.SOLD):
        raise ReservationRefused(f"The reservation of this order is {known.status}.")
    return [
        PricedLine(line["sku"], line["name"], line["quantity"], Money(line["unit_price"], line["currency"]))
        for line in known.lines
    ]


def _why_not(wanted: Wanted, found: Sequence[Row[Any]], expected: Money | None) -> ShopError:
    skus = {row.sku for row in found}
    unknown = [
        FieldError(f"lines.{index}.sku", "there is no such product")
        for index, (sku, _) in enumerate(wanted)
        if sku not in skus
    ]
    if unknown:
        return InvalidRequest("The order names a product that does not exist.", unknown)
    check_expected_total(order_total(_priced(found)), expected)
    short = [row.sku for row in found if row.available < row.quantity]
    if short:
        return OutOfStock(short[0])
    return Unavailable("The reservation was undone while it was made.")  # fresh data was asked for in between


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
