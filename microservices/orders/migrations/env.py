"""What Alembic runs; the connection comes from `microservices.kit.migrate`."""

from microservices.kit.migrate import run_migrations

run_migrations()
