"""Whose fault an error of PostgreSQL is, by its SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html.

`DATABASE`: it is away, read-only, full or busy. The same request may succeed later: 503, or 504 once something may have
happened. `CALLER`: a value that cannot be stored: 422. `OURS`: a wrong statement or a rule that we should have checked:
500.
"""

from __future__ import annotations

from enum import StrEnum


class ErrorOrigin(StrEnum):
    """Who has to do something about it."""

    DATABASE = "database"
    CALLER = "caller"
    OURS = "ours"


_DATABASE_CLASSES = {
    "08",  # connection exception
    "28",  # invalid authorization: the operator changes a password before or after us
    "40",  # transaction rollback: deadlock, serialization failure
    "53",  # insufficient resources: disk, memory, connections
    "55",  # object not in prerequisite state: a lock that was not had in time
    "57",  # operator intervention: shutdown, crash, start-up, statement time-out
    "58",  # system error: I/O
    "72",  # snapshot failure
    "F0",  # configuration file error
    "XX",  # internal error, damaged data
}
READ_ONLY = "25006"  # a standby, or a failover under way
_DATABASE_CODES = {
    READ_ONLY,
    "25P03",  # idle in a transaction for too long
    "25P04",  # the transaction took too long
    "3D000",  # the database does not exist (yet)
}
_CALLER_CLASSES = {
    "22",  # data exception: NUL in a text, a number out of range
    "54",  # program limit exceeded: too long for an index
}
# The server's last words before it cut the connection, or a commit whose end it does not know itself.
_UNDECIDED_CLASSES = {"08", "58", "XX"}
_UNDECIDED_CODES = {"40003", "57P01", "57P02", "57P03", "57P05"}


def error_origin(sqlstate: str) -> ErrorOrigin:
    """Return whose fault an error with this SQLSTATE (five characters) is; OURS for one that is not known."""
    if sqlstate in _DATABASE_CODES or sqlstate[:2] in _DATABASE_CLASSES:
        return ErrorOrigin.DATABASE
    return ErrorOrigin.CALLER if sqlstate[:2] in _CALLER_CLASSES else ErrorOrigin.OURS


def has_rolled_back(sqlstate: str) -> bool:
    """Tell whether an error with this SQLSTATE answers a statement or a commit: then the transaction left no effect.

    False for no SQLSTATE, and where the server may have committed before it broke off.
    """
    return bool(sqlstate) and sqlstate[:2] not in _UNDECIDED_CLASSES and sqlstate not in _UNDECIDED_CODES
