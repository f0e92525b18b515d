"""What a shop takes up while it runs: memory of its parts, tables and their indexes, and files on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from deploy.local.process import trees
from deploy.local.usage import pss_of
from deploy.model.home import Home
from deploy.runner.interface import Runner
from loadtests.measure.accounting import MB, take

# How long rows are kept: docs/decisions/0031-what-is-kept-for-good.md.
FOR_GOOD = "for good"
RETENTION = {
    "orders": FOR_GOOD, "payments": FOR_GOOD, "refunds": FOR_GOOD, "reservations": FOR_GOOD, "notifications": FOR_GOOD,
    "products": "as sold", "stock": "as sold", "categories": "as sold", "idempotency_keys": "48 hours",
    "inbox": "14 days", "outbox": "until handled", "alembic_version": "one row",
}  # fmt: skip
_SIZES = "SELECT relname, pg_table_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables ORDER BY relname"


@dataclass(frozen=True)
class Table:
    """A table of one database: its rows, and bytes on disk."""

    rows: int
    table: int
    indexes: int


@dataclass
class Footprint:
    """Series of figures over seconds, by kind (`memory`, `files`: megabytes) and part."""

    times_s: list[float] = field(default_factory=list)
    series: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {"memory": {}, "files": {}})

    def look(self, runner: Runner, second: float) -> None:
        """Add what all parts take up now. A part that was not there before begins with nothing."""
        sizes = {"memory": own_memory_mb(runner), "files": files_mb(runner)}
        for kind, by_part in sizes.items():
            for part, megabytes in by_part.items():
                known = self.series[kind].setdefault(part, [0.0] * len(self.times_s))
                known.append(megabytes)
        self.times_s.append(second)


def own_memory_mb(runner: Runner) -> dict[str, float]:
    """Return the memory of each part (PSS) without shared memory, where the system tells it: all of it, elsewhere.

    PostgreSQL's shared buffers have a size that is set, and fill as pages are touched: that is no leak, and hides one.
    """
    leaders = {one.pid: one.part for one in runner.status().instances if one.pid}
    memory: Counter[str] = Counter()
    for pid, tree in trees(leaders).items():
        for process in tree:
            with suppress(OSError):
                if sizes := pss_of(process.pid):
                    memory[leaders[pid]] += sizes["Pss"] - sizes.get("Pss_Shmem", 0)
    if memory:
        return {part: size / MB for part, size in memory.items()}
    return dict(take(runner, memory=True).memory_mb)


def files_mb(runner: Runner) -> dict[str, float]:
    """Return the size of each part's data, and of all logs; nothing where parts have no files on this machine."""
    folder = Home.from_environment().stack(runner.stack.name)
    sizes: Counter[str] = Counter()
    for path in folder.rglob("*"):
        kind, *inside = path.relative_to(folder).parts
        with suppress(OSError):  # PostgreSQL and the broker take files away meanwhile
            if path.is_file() and inside:
                sizes[f"data of {inside[0]}" if kind == "data" else kind] += path.stat().st_size
    return {name: size / MB for name, size in sizes.items()}


def tables(database_urls: Sequence[str]) -> dict[str, Table]:
    """Return the tables of these databases, as `database.table`."""
    by_name = {}
    for url in database_urls:
        with psycopg.connect(url, autocommit=True) as connection:
            for name, table, indexes in connection.execute(_SIZES).fetchall():
                count = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
                assert count is not None
                by_name[f"{urlsplit(url).path.strip('/')}.{name}"] = Table(count[0], table, indexes)
    return by_name


def rewritten(database_urls: Sequence[str]) -> dict[str, Table]:
    """Write every table and index anew, and return them: what was more before is bloat. Locks table by table."""
    for url in database_urls:
        with psycopg.connect(url, autocommit=True) as connection:
            names = [sql.Identifier(row[0]) for row in connection.execute(_SIZES).fetchall()]
            connection.execute(sql.SQL("VACUUM FULL {}").format(sql.SQL(", ").join(names)))
    return tables(database_urls)


def growth(before: Mapping[str, Table], after: Mapping[str, Table], orders: int) -> list[dict[str, object]]:
    """Return, for each table, rows and bytes (with indexes) for 1,000 orders placed in between, and how long it keeps.

    What nobody has thought of is kept `not said`.
    """
    rows = []
    for name, now in after.items():
        then = before.get(name, Table(0, 0, 0))
        size = now.table + now.indexes - then.table - then.indexes
        rows.append(
            {
                "table": name, "kept": RETENTION.get(name.partition(".")[2], "not said"),
                "rows": 1000 * (now.rows - then.rows) / orders, "bytes": 1000 * size / orders,
            }
        )  # fmt: skip
    return rows
