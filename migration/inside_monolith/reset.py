"""`python -m migration.inside_monolith.reset --products N`: as the plain monolith's, and the events and sagas."""

from __future__ import annotations

from sqlalchemy import text

from migration.inside_monolith.app import is_extracted
from migration.inside_monolith.config import ExtractableSettings
from migration.inside_monolith.migrations import migrate as migrate_extraction
from monolith.database import Database
from monolith.migrations import migrate
from monolith.reset import reset
from shared.platform.metrics import Metrics
from shared.platform.settings import load_or_exit
from shared.seed import number_of_products


def main() -> None:
    """Reset the database that DATABASE_URL names. A catalog that is extracted has its products elsewhere."""
    settings, count = load_or_exit(ExtractableSettings), number_of_products(__doc__)
    migrate(settings.database_url)
    migrate_extraction(settings.database_url)
    database = Database(settings.database_url, pool_size=1, metrics=Metrics(), patient=True)
    database.write(text("TRUNCATE sagas, outbox, inbox"))
    reset(database, 0 if is_extracted(database, "catalog") else count)
    database.close()


if __name__ == "__main__":
    main()
