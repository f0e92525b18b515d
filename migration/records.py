"""Records: what both sides keep, each in tables of its own. One definition a record, good for both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
# When a loop shall look at a row that is only a copy. PostgreSQL has an infinity for that, and its drivers have none.
NEVER = "timestamptz '9999-01-01 00:00:00+00'"


@dataclass(frozen=True)
class TableLayout:
    """How one side keeps a record.

    `select` gives the record's columns, and `key`. `write` are statements that put the rows of `records` (a table
    expression with the record's columns) in place of what was there; `delete` takes `%(keys)s`. `watched`: tables whose
    rows belong to a record, and which of their columns are its key.
    """

    select: str
    write: tuple[str, ...]
    delete: tuple[str, ...]
    watched: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Record:
    """One kind of record, in the layout of the monolith and in that of the service. `columns` are names with types.

    `not_compared`: columns that are copied, but that only one of the sides keeps in every case.
    """

    name: str
    key_type: str
    columns: str
    monolith: TableLayout
    service: TableLayout
    not_compared: tuple[str, ...] = ()

    def layout(self, side: str) -> TableLayout:
        """Return the layout of a side: `monolith` or `service`."""
        return self.monolith if side == "monolith" else self.service


@dataclass(frozen=True)
class Module:
    """What a module keeps: its records, each after those that it refers to.

    `empty`: statements that leave a side without any of it, before a copy and when a side has nothing left of it.
    `release` starts what waits in the rows that were copied (mails, charges): until then they are nobody's work.
    `leave`: what the side that a module leaves has to note about it.
    """

    name: str
    records: tuple[Record, ...]
    empty: Mapping[str, tuple[str, ...]]
    release: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leave: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fingerprint:
    """How many records there are, and a sum over their contents that does not depend on their order."""

    count: int
    checksum: int


def names_of(columns: str) -> str:
    """Return the names out of `name type, name type`."""
    return ", ".join(column.split()[0] for column in columns.split(", "))


def replaced(names: str) -> str:
    """Return the assignments of an upsert that replaces these columns."""
    return ", ".join(f"{name} = excluded.{name}" for name in names.split(", "))


def read_page(connection: Connection, record: Record, side: str, after: str | None, limit: int) -> tuple[str, str, int]:
    """Return the next records in the order of their keys as (JSON array, last key, how many)."""
    where = "" if after is None else f"WHERE key > %(after)s::{record.key_type}"
    page = f"SELECT * FROM ({record.layout(side).select}) AS record {where} ORDER BY key LIMIT {limit}"
    row = connection.execute(
        "SELECT coalesce(jsonb_agg(to_jsonb(one))::text, '[]'), coalesce((array_agg(key ORDER BY key DESC))[1]::text, "
        f"''), count(*) FROM ({page}) AS one".encode(),
        {"after": after},
    ).fetchone()
    assert row is not None
    return str(row[0]), str(row[1]), int(row[2])


def read_keys(connection: Connection, record: Record, side: str, keys: Sequence[str]) -> tuple[str, set[str]]:
    """Return the records of these keys as (JSON array, keys of those that are there)."""
    records = f"SELECT * FROM ({record.layout(side).select}) AS record WHERE key = ANY (%(keys)s::{record.key_type}[])"
    row = connection.execute(
        "SELECT coalesce(jsonb_agg(to_jsonb(one))::text, '[]'), coalesce(array_agg(key::text), '{}') "
        f"FROM ({records}) AS one".encode(),
        {"keys": list(keys)},
    ).fetchone()
    assert row is not None
    return row[0], set(row[1])


def write(connection: Connection, record: Record, side: str, rows: str) -> None:
    """Put records, as a JSON array, in place of what this side has under their keys."""
    source = f"WITH records AS (SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS one ({record.columns})) "
    for statement in record.layout(side).write:
        connection.execute((source + statement).encode(), {"rows": rows})


def delete(connection: Connection, record: Record, side: str, keys: Sequence[str]) -> None:
    """Remove the records of these keys."""
    for statement in record.layout(side).delete:
        connection.execute(statement.encode(), {"keys": list(keys)})


def fingerprint(connection: Connection, record: Record, side: str) -> Fingerprint:
    """Return what both sides must have the same of."""
    row = connection.execute(
        "SELECT count(*), coalesce(sum(hashtextextended((to_jsonb(record) - %(not_compared)s::text[])::text, 0)"
        f"::numeric), 0) FROM ({record.layout(side).select}) AS record".encode(),
        {"not_compared": list(record.not_compared)},
    ).fetchone()
    assert row is not None
    return Fingerprint(int(row[0]), int(row[1]))
