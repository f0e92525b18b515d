"""Reads the read-only SQL views that both builds offer under the same names."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from loadtests.measure.backlog import events_on_their_way
from loadtests.measure.books import NotificationRow, OrderRow, PaymentRow, ReservationRow, StockRow, UnfinishedRow

POLL_S = 0.25

ROW_TYPES: dict[str, type] = {
    "v_orders": OrderRow,
    "v_payments": PaymentRow,
    "v_stock": StockRow,
    "v_reservations": ReservationRow,
    "v_notifications": NotificationRow,
    "v_unfinished": UnfinishedRow,
}
Rows = dict[str, list[Any]]


def wait_until_finished(databases: Sequence[str], timeout_s: float, broker_monitor: str | None = None) -> float:
    """Wait until nothing is unfinished in any of these databases, and no event is on its way between them.

    Return how long it took, `timeout_s` at most.
    """
    started = time.monotonic()
    connections = [psycopg.connect(url, autocommit=True) for url in databases]
    try:
        calm = 0
        while (waited_s := time.monotonic() - started) < timeout_s:
            unfinished = sum(_count_unfinished(connection) for connection in connections)
            unfinished += events_on_their_way(broker_monitor)
            # Twice in a row: what the first look found at rest may have been between two places.
            calm = calm + 1 if unfinished == 0 else 0
            if calm == 2:
                return waited_s
            time.sleep(POLL_S)
        return timeout_s
    finally:
        for connection in connections:
            connection.close()


def read_views(databases: Iterable[str]) -> Rows:
    """Return the rows of every read-only view, from whichever of the databases has it. Ids become text."""
    rows: Rows = {view: [] for view in ROW_TYPES}
    for url in databases:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = on")
            for view in _views_of(connection):
                rows[view] += _rows_of(connection, view)
    return rows


def _views_of(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute("SELECT table_name FROM information_schema.views WHERE table_schema = 'public'")
    return [name for (name,) in rows if name in ROW_TYPES]


def _rows_of(connection: psycopg.Connection[Any], view: str) -> list[Any]:
    row_type = ROW_TYPES[view]
    columns = list(row_type.__dataclass_fields__)  # type: ignore[attr-defined]
    ids = {name for name in columns if name.endswith("_id") or name in ("id", "idempotency_key")}
    columns_as_text = ", ".join(f"{name}::text AS {name}" if name in ids else name for name in columns)
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"SELECT {columns_as_text} FROM {view}".encode())  # noqa: S608  (names of ours)
        return [row_type(**row) for row in cursor]


def _count_unfinished(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM v_unfinished").fetchone()
    assert row is not None
    return int(row[0])
