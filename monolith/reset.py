"""`python -m monolith.reset --products N`: empty all tables, seed, analyse; the application may keep running."""

from __future__ import annotations

from sqlalchemy import text

from monolith import catalog, idempotency, notifications, orders, payments
from monolith.config import Settings
from monolith.database import Database
from monolith.migrations import migrate
from shared.platform.metrics import Metrics
from shared.platform.settings import load_or_exit
from shared.seed import number_of_products


def main() -> None:
    """Reset the database that DATABASE_URL names."""
    settings, count = load_or_exit(Settings), number_of_products(__doc__)
    migrate(settings.database_url)
    database = Database(settings.database_url, pool_size=1, metrics=Metrics(), patient=True)
    reset(database, count)
    database.close()


def reset(database: Database, count: int) -> None:
    """Let each module forget what it keeps, and the catalog have `count` products."""
    with database.transaction() as connection:
        for module in (idempotency, orders, payments, notifications):
            module.reset(connection)
        catalog.reset(connection, count)
    database.write(text("VACUUM ANALYZE"))


if __name__ == "__main__":
    main()
