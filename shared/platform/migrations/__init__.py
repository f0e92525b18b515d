"""Versions of a schema, by Alembic: a folder of `versions/<id>_<title>.py` with growing ids, and one `env.py` for all.

Alembic is imported only if there is something to do: that takes longer than all else that a start does.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

VERSION_TABLE = "alembic_version"
LOOK_EVERY_S = 0.2  # whether another process, which migrates the same database, has ended


def is_newest(current: str | None, folder: Path) -> bool:
    """Tell whether a database of this version, None for an empty one, is up to date.

    Raises ValueError if it has a version that is not in the folder.
    """
    versions = sorted(path.name.partition("_")[0] for path in (folder / "versions").glob("[0-9]*.py"))
    if current is not None and current not in versions:
        raise ValueError(
            f"the database has schema version {current}, and this program knows {', '.join(versions)}: "
            "start it with the program that it comes from, or remove its data and start with an empty one"
        )
    return current == versions[-1]


def upgrade(connection: Connection, folder: Path, version: str = "head", version_table: str = VERSION_TABLE) -> None:
    """Bring the database of this connection to a version. Whoever calls this keeps others from doing the same."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    for option, path in (("script_location", Path(__file__).parent), ("version_locations", folder / "versions")):
        config.set_main_option(option, str(path).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, version_table=version_table)
    command.upgrade(config, version)


def create_index(name: str, on: str, kind: str = "INDEX") -> None:
    """Build an index, `on` a table's columns, while others write to it; anew what a killed start left of it."""
    from alembic import op  # noqa: PLC0415

    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE {kind} CONCURRENTLY {name} ON {on}")
