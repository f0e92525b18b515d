"""How Alembic runs the versions of any of our databases: on a connection of ours, each in a transaction of its own."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"], version_table=attributes["version_table"], transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
