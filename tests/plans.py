"""How PostgreSQL goes about a statement of which it knows no values: what a prepared statement comes to."""

from __future__ import annotations

import psycopg
from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql

NAMES = ("after", "query", "category")


def generic_plan(database_url: str, statement: Executable) -> str:
    """Return the plan of a list of products. The tables are looked at as they are."""
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    written = str(statement.compile(dialect=dialect))  # type: ignore[attr-defined]
    for position, name in enumerate(NAMES, 1):
        written = written.replace(f":{name}", f"${position}")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(f"EXPLAIN (GENERIC_PLAN) {written}".encode()).fetchall()
    return "\n".join(str(row[0]) for row in rows)
