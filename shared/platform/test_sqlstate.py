"""Whose fault an error of the database is decides what the caller is answered."""

from __future__ import annotations

import pytest
from psycopg.errors import lookup

from shared.platform.sqlstate import ErrorOrigin, error_origin, has_rolled_back

OURS = "0100 0200 0300 0900 0A00 0B00 0F00 0L00 0P00 0Z00 2000 2100 2300 2400 2600 2700 2B00 2D00 2F00 3400 3800 3900"
OURS += " 3B00 3F00 4200 4400 HV00 P000"


@pytest.mark.parametrize("sqlstate", [*(f"{code}0" for code in OURS.split()), "25001", "25P02", "42501", "23505", ""])
def test_a_wrong_statement_or_a_rule_not_checked_is_ours(sqlstate: str) -> None:
    assert error_origin(sqlstate) is ErrorOrigin.OURS


@pytest.mark.parametrize("sqlstate", ["22021", "22003", "22P05", "22000", "54000"])
def test_a_value_that_cannot_be_stored_is_the_callers(sqlstate: str) -> None:
    assert error_origin(sqlstate) is ErrorOrigin.CALLER
    assert has_rolled_back(sqlstate)


@pytest.mark.parametrize(
    ("name", "rolled_back"),
    [
        ("READ_ONLY_SQL_TRANSACTION", True),
        ("DEADLOCK_DETECTED", True),
        ("SERIALIZATION_FAILURE", True),
        ("STATEMENT_COMPLETION_UNKNOWN", False),
        ("DISK_FULL", True),
        ("TOO_MANY_CONNECTIONS", True),
        ("LOCK_NOT_AVAILABLE", True),
        ("QUERY_CANCELED", True),
        ("ADMIN_SHUTDOWN", False),
        ("CRASH_SHUTDOWN", False),
        ("CANNOT_CONNECT_NOW", False),
        ("IDLE_IN_TRANSACTION_SESSION_TIMEOUT", True),
        ("CONNECTION_FAILURE", False),
        ("INVALID_PASSWORD", True),
        ("IO_ERROR", False),
        ("INTERNAL_ERROR", False),
    ],
)
def test_what_the_database_cannot_do_now_is_the_databases(name: str, rolled_back: bool) -> None:
    sqlstate = lookup(name).sqlstate

    assert error_origin(sqlstate) is ErrorOrigin.DATABASE
    assert has_rolled_back(sqlstate) is rolled_back


def test_what_the_server_did_not_answer_has_not_rolled_back_for_sure() -> None:
    assert not has_rolled_back("")
