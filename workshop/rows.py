"""Finds every row that a shop's databases hold about one order: `twinshop rows ORDER_ID`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from deploy.model.errors import DeployError
from deploy.runner.interface import Runner
from loadtests.measure.parties import Parties

COLUMNS = ("status", "state", "kind", "version", "sku", "quantity", "amount", "total", "origin", "risk", "attempts")
_TABLES = """
SELECT columns.table_name, columns.column_name
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
  AND (column_name IN ('order_id', 'resource_id') OR (columns.table_name = 'orders' AND column_name = 'id'))
ORDER BY columns.table_name
"""


@dataclass(frozen=True)
class TableRows:
    """Rows of one table that are about the order."""

    database: str
    table: str
    rows: list[dict[str, Any]]

    def lines(self) -> Iterator[str]:
        """Yield one line for each row: what a person wants to know of it."""
        for row in self.rows:
            columns = [f"{name}={row[name]}" for name in COLUMNS if row.get(name) is not None]
            yield f"{self.database:<14} {self.table:<17} {' '.join(columns)}".rstrip()


def about(order_id: str, runner: Runner) -> list[TableRows]:
    """Return the rows of every table that names this order, database by database. Read-only."""
    tables = []
    for url in Parties.of(runner).databases:
        name = urlsplit(url).path.removeprefix("/")
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            connection.execute("SET default_transaction_read_only = on")
            for place in connection.execute(_TABLES).fetchall():
                rows = _rows(connection, place["table_name"], place["column_name"], order_id)
                if rows:
                    tables.append(TableRows(name, place["table_name"], rows))
    return tables


def _rows(connection: psycopg.Connection[Any], table: str, column: str, order_id: str) -> list[dict[str, Any]]:
    query = sql.SQL("SELECT * FROM {} WHERE {}::text = %s").format(sql.Identifier(table), sql.Identifier(column))
    return list(connection.execute(query, (order_id,)).fetchall())


def newest(runner: Runner) -> str:
    """Return the id of the newest order of a shop. Raises DeployError."""
    for url in Parties.of(runner).databases:
        with psycopg.connect(url, autocommit=True) as connection:
            there = connection.execute("SELECT to_regclass('public.v_orders') IS NOT NULL").fetchone()
            if there and there[0]:
                row = connection.execute(
                    "SELECT order_id::text FROM v_orders ORDER BY order_id DESC LIMIT 1"
                ).fetchone()
                if row:
                    return str(row[0])
    raise DeployError(f"{runner.stack.name} has no order yet: `twinshop buy`.")
