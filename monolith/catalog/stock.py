"""Stock as orders and admins move it, inside the transaction of whoever calls. Stock rows are locked in sku order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, TextClause, text

from shared.contract.bodies import LineInput, MoneyBody
from shared.domain.errors import IllegalTransition, OutOfStock
from shared.domain.money import Money
from shared.domain.order import PricedLine, check_expected_total, order_total
from shared.domain.stock import check_known

_LOCK_AND_PRICE = text("""
    SELECT stock.sku, products.name, products.price, products.currency, stock.available
    FROM stock JOIN products USING (sku)
    WHERE stock.sku = ANY(:skus) ORDER BY stock.sku FOR UPDATE OF stock
""")

_RESERVE = text("""
    WITH line AS (
        SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:quantities AS int[])) AS line (sku, quantity)
    ), taken AS (
        UPDATE stock SET available = available - line.quantity, reserved = reserved + line.quantity
        FROM line WHERE stock.sku = line.sku COLLATE "C" AND stock.available >= line.quantity
        RETURNING stock.sku, line.quantity
    )
    INSERT INTO reservations (order_id, sku, quantity, status)
    SELECT CAST(:order_id AS uuid), sku, quantity, 'reserved' FROM taken
""")


def _move(before: str, after: str, change: str) -> TextClause:
    """Return the statement that takes an order's reservations from one status to another, and stock along."""
    return text(f"""
        WITH moved AS (
            UPDATE reservations SET status = '{after}'
            WHERE order_id = CAST(:order_id AS uuid) AND status = '{before}' RETURNING sku, quantity
        ), locked AS (
            SELECT stock.sku, moved.quantity FROM stock JOIN moved USING (sku) ORDER BY stock.sku FOR UPDATE OF stock
        )
        UPDATE stock SET {change} FROM locked WHERE stock.sku = locked.sku
    """)  # noqa: S608  (our own words, from the three lines below)


_SELL = _move("reserved", "sold", "reserved = reserved - quantity, sold = sold + quantity")
_RELEASE = _move("reserved", "released", "reserved = reserved - quantity, available = available + quantity")
_GIVE_BACK = _move("sold", "returned", "sold = sold - quantity, available = available + quantity")
_RESTOCK = text(
    "UPDATE stock SET available = available + :quantity, restocked = restocked + :quantity WHERE sku = :sku"
)


def restock(connection: Connection, sku: str, quantity: int) -> None:
    """Add pieces to what is available, if there is such a product."""
    connection.execute(_RESTOCK, {"sku": sku, "quantity": quantity})


class Catalog:
    """What the catalog does for an order. The caller opens the transaction, and commits."""

    def reserve(
        self, connection: Connection, order_id: str, lines: Sequence[LineInput], expected_total: MoneyBody | None
    ) -> list[PricedLine]:
        """Take the lines out of what is available and return them with the catalog's names and prices.

        Everything is checked before anything changes, so that a refusal needs no rollback.
        Raises InvalidRequest (unknown sku), PriceChanged, OutOfStock.
        """
        locked = connection.execute(_LOCK_AND_PRICE, {"skus": [line.sku for line in lines]})
        rows = {row.sku: row for row in locked}
        check_known([line.sku for line in lines], rows)
        priced = [
            PricedLine(line.sku, row.name, line.quantity, Money(row.price, row.currency))
            for line in lines
            for row in (rows[line.sku],)
        ]
        check_expected_total(order_total(priced), expected_total.to_money() if expected_total else None)
        for line in lines:
            if rows[line.sku].available < line.quantity:
                raise OutOfStock(line.sku)
        reserved_rows: CursorResult[Any] = connection.execute(
            _RESERVE,
            {
                "order_id": order_id,
                "skus": [line.sku for line in lines],
                "quantities": [line.quantity for line in lines],
            },
        )
        if reserved_rows.rowcount != len(lines):
            raise IllegalTransition("Stock changed under its lock.")
        return priced

    def sell(self, connection: Connection, order_id: str) -> None:
        """Reserved becomes sold."""
        connection.execute(_SELL, {"order_id": order_id})

    def release(self, connection: Connection, order_id: str) -> None:
        """Reserved becomes available again: the order was rejected."""
        connection.execute(_RELEASE, {"order_id": order_id})

    def give_back(self, connection: Connection, order_id: str) -> None:
        """Sold becomes available again: the order was cancelled."""
        connection.execute(_GIVE_BACK, {"order_id": order_id})
