"""`python -m monolith.reset --products N`: empty all tables, seed, analyse; the application may keep running."""

from __future__ import annotations

import argparse

from sqlalchemy import Connection, text

from monolith import catalog
from monolith.config import Settings
from monolith.database import Database
from monolith.migrations import migrate
from shared.platform.metrics import Metrics
from shared.platform.settings import load_or_exit
from shared.seed import DEFAULT_COUNT

TABLES = (
    "products, stock, reservations, orders, payments, refunds, notifications, idempotency_keys, outbox, inbox, sagas"
)


def main() -> None:
    """Reset the database that DATABASE_URL names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=DEFAULT_COUNT)
    count = parser.parse_args().products
    settings = load_or_exit(Settings)
    migrate(settings.database_url)
    database = Database(settings.database_url, pool_size=1, metrics=Metrics())
    with database.transaction() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"TRUNCATE {TABLES}"))
        if not _is_out(connection, "catalog"):
            catalog.seed(connection, count)
    database.write(text("ANALYZE"))
    database.close()


def _is_out(connection: Connection, module: str) -> bool:
    """Tell whether a module is a service of its own, whose data is not ours."""
    return bool(connection.execute(text("SELECT :module = ANY (moved_out) FROM modules"), {"module": module}).scalar())


if __name__ == "__main__":
    main()
