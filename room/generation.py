"""Tells one life of a shop's data from the next: a history of orders that `reset` took away proves nothing."""

from __future__ import annotations

import psycopg

from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from loadtests.measure.parties import Parties


def generation(runner: LocalRunner) -> str:
    """Return a text that changes when the orders are truncated: PostgreSQL gives the table a new file then."""
    for url in Parties.of(runner).databases:
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
                row = connection.execute("SELECT oid, pg_relation_filenode(to_regclass('orders'))"
                                         " FROM pg_database WHERE datname = current_database()"
                                         " AND to_regclass('orders') IS NOT NULL").fetchone()  # fmt: skip
        except psycopg.OperationalError as error:
            raise DeployError(f"A database of {runner.stack.name} does not answer: {error}") from error
        if row is not None:
            return f"{row[0]}/{row[1]}"
    raise DeployError(f"No database of {runner.stack.name} has orders.")
