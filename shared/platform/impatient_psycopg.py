"""psycopg's connections, which wait only so long: a database or a network that says nothing must not hold a thread."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen

from shared.platform.postgres import TCP_UNANSWERED_MS, session_settings

CONNECT_TIMEOUT_S = 2
STATEMENT_TIMEOUT_MS = 6000  # below the edge's deadline of 8 s
ANSWER_TIMEOUT_S = 7.0  # above the statement's, whose answer says more

_T = TypeVar("_T")


class ImpatientConnection(psycopg.Connection[Any]):
    """Closes itself when the server has not answered within ANSWER_TIMEOUT_S. Raises psycopg.OperationalError then."""

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """Wait for one exchange with the server."""
        try:
            return super().wait(gen, interval, timeout or ANSWER_TIMEOUT_S)
        except errors._WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {ANSWER_TIMEOUT_S} s") from error


def connect_args(*, patient: bool) -> dict[str, Any]:
    """Return libpq's settings of a connection; a patient one has no limit but TCP's."""
    settings = session_settings(0, 0) if patient else session_settings(STATEMENT_TIMEOUT_MS)
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "prepare_threshold": 2,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": TCP_UNANSWERED_MS,
        "options": " ".join(f"-c {name}={value}" for name, value in ({"timezone": "UTC"} | settings).items()),
    }


def connect(_dialect: Any, _record: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> ImpatientConnection:
    """Connect, in SQLAlchemy's place (event `do_connect`)."""
    return ImpatientConnection.connect(*arguments, **keywords)
