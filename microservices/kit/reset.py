"""Fresh data for the next run: `python -m microservices.kit.reset orders` empties every table, the schema stays."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from sqlalchemy import text

from microservices.kit.database import Database
from microservices.kit.migrate import migrate
from shared.platform.metrics import Metrics
from shared.platform.settings import CommonSettings, load_or_exit

_TABLES = text(
    "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)


async def reset(
    settings: CommonSettings, package: str, seed: Callable[[Database], Awaitable[None]] | None = None
) -> None:
    """Bring the database to the newest version, empty its tables, seed it and tell the planner."""
    database = Database(settings.database_url, 1, Metrics(), f"{package}.reset", patient=True)
    try:
        await migrate(database, package)
        tables = [row[0] for row in await database.read(_TABLES)]
        async with database.transaction() as connection:
            await connection.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))
        if seed is not None:
            await seed(database)
        await database.write(text("VACUUM ANALYZE"))
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(reset(load_or_exit(CommonSettings), f"microservices.{sys.argv[1]}"))
