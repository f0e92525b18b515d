"""`python -m variants.recommendations.reset` empties the tables of the service, which trains anew then."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from microservices.kit.database import Database
from shared.platform.metrics import Metrics
from shared.platform.settings import CommonSettings, load_or_exit
from variants.recommendations.service import NAME, make_tables


async def reset(database: Database) -> None:
    """Empty them; they are made if there are none yet."""
    try:
        await make_tables(database)
        await database.write(text("TRUNCATE inbox, baskets"))
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(reset(Database(load_or_exit(CommonSettings).database_url, 1, Metrics(), NAME, patient=True)))
