"""The tables of an extractable monolith, in the monolith's database, with a version table of their own."""

from __future__ import annotations

from pathlib import Path

from monolith import migrations

FOLDER = Path(__file__).parent
VERSION_TABLE = "extraction_version"


def migrate(database_url: str) -> None:
    """Bring them up to date; the monolith's own come first. Raises psycopg.Error, ValueError."""
    migrations.migrate(database_url, FOLDER, VERSION_TABLE)
