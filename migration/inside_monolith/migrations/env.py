"""How Alembic runs the versions, beside the monolith's: on our own connection, each in a transaction of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from migration.inside_monolith.migrations import VERSION_TABLE

url = make_url(context.config.attributes["database_url"]).set(drivername="postgresql+psycopg")
engine = create_engine(url, poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, version_table=VERSION_TABLE, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
