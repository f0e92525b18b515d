"""How Alembic runs the versions: on our own connection, each in a transaction of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from monolith import idempotency
from monolith.catalog import tables as catalog_tables
from monolith.database import metadata
from monolith.notifications import tables as notifications_tables
from monolith.orders import tables as orders_tables
from monolith.payments import tables as payments_tables

DESCRIBED = (idempotency, catalog_tables, notifications_tables, orders_tables, payments_tables)

url = make_url(context.config.attributes["database_url"]).set(drivername="postgresql+psycopg")
engine = create_engine(url, poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
