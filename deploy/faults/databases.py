"""Connections to parts' databases, for faults that are done inside them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from deploy.model.errors import DeployError
from deploy.model.parts import Part
from deploy.runner.interface import Runner

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT_S = 2
LOCK_TIMEOUT_MS = 500
SUPERUSERS = ("twinshop", "postgres")  # as a process, in a container


@contextlib.contextmanager
def connected(runner: Runner, part: Part, *, superuser: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the role that owns the tables, or of the superuser. Whatever fails on it is a DeployError."""
    import psycopg  # noqa: PLC0415  (only needed here, and not light)

    roles = SUPERUSERS if superuser else (part.database,)
    password = runner.site.secrets.of("database/superuser" if superuser else f"database/{part.database}")
    try:
        with _first_of(runner, part, roles, password) as connection:
            connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}".encode())
            yield connection
    except psycopg.Error as error:
        raise DeployError(f"{part.name}: {error}") from error


def heal_each(runner: Runner, heal: Callable[[Runner, Part], bool]) -> list[str]:
    """Heal every database that can be reached; return the names of those of which `heal` says that they were broken."""
    healed = []
    for part in runner.stack.parts:
        if part.kind == "postgres":
            with contextlib.suppress(DeployError):  # it is down, and comes up as it was: `heal` can be said again
                healed += [part.name] if heal(runner, part) else []
    return healed


def _first_of(runner: Runner, part: Part, roles: tuple[str, ...], password: str) -> psycopg.Connection[Any]:
    import psycopg  # noqa: PLC0415

    address = f"{runner.site.host(runner.stack.name, part.name)}:{part.port('sql')}"
    for role in roles:
        url = f"postgresql://{role}:{password}@{address}/{part.database}"
        try:
            return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
        except psycopg.OperationalError:
            if role == roles[-1]:
                raise
    raise AssertionError("unreachable")
