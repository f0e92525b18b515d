"""Alembic's entry: the kit knows how."""

from microservices.kit.migrate import run_migrations

run_migrations()
