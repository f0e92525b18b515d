"""The one database: cheap reads, and `transaction()`, the one place that commits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    Executable,
    MetaData,
    Row,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from shared.domain.errors import InvalidRequest, OutcomeUnknown, Unavailable
from shared.platform.impatient_psycopg import connect, connect_args
from shared.platform.metrics import Metrics
from shared.platform.sqlstate import READ_ONLY, ErrorOrigin, error_origin, has_rolled_back

POOL_TIMEOUT_S = 3.0  # waiting longer than this for a connection is 'unavailable'
CUT_TELLS_WITHIN_S = 1.0  # a connection that was cut says so at once; a silent one has had a request's time already

metadata = MetaData()  # what tables.py of each module describes
Parameters = Mapping[str, Any]
_FAILURES = (DBAPIError, NoFreeConnection, UnicodeEncodeError)  # the last: psycopg's for a lone surrogate


class Database:
    """A pool of connections. Each statement commits by itself, unless it runs inside `transaction()`.

    Reads need no BEGIN and no ROLLBACK that way, which halves what they cost the server.
    """

    def __init__(self, url: str, *, pool_size: int, metrics: Metrics, patient: bool = False) -> None:
        """`patient` is for filling tables: no statement is ended for taking long."""
        self._metrics = metrics
        self.engine: Engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            pool_use_lifo=True,
            hide_parameters=True,  # errors are logged, and parameters are addresses
            pool_reset_on_return=None,  # `transaction()` always ends what it began
            connect_args=connect_args(patient=patient) | {"application_name": "monolith"},
        )
        if not patient:
            event.listen(self.engine, "do_connect", connect)
        self._prober = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")
        self._probe: Future[Sequence[Row[Any]]] | None = None
        pool: Any = self.engine.pool
        metrics.watch_pool(pool.checkedout, pool_size)
        event.listen(self.engine, "before_cursor_execute", lambda *_: metrics.db_statements.inc())
        event.listen(self.engine, "handle_error", _leave_read_only_server)

    def fetch_all(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        """Return all rows of a read. Raises Unavailable, InvalidRequest."""
        for last_try in (False, True):
            began = time.monotonic()
            try:
                with self.engine.connect() as connection:
                    return connection.execute(statement, parameters).all()
            except _FAILURES as error:
                # A connection that a restart of the database cut is found out here, and costs one more try.
                if last_try or not _was_cut(error, began):
                    _raise_unless_ours(error)
                    raise
        raise AssertionError("unreachable")

    def fetch_one(self, statement: Executable, parameters: Parameters | None = None) -> Row[Any] | None:
        """Return the first row of a read, or None. Raises Unavailable."""
        rows = self.fetch_all(statement, parameters)
        return rows[0] if rows else None

    def write(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        """Run one statement that commits by itself and return its rows, if it has any.

        Raises Unavailable, also where the commit may have happened: for the loops' idempotent steps only.
        """
        try:
            with self.engine.connect() as connection:
                cursor = connection.execute(statement, parameters)
                self._metrics.db_commits.inc()
                return cursor.all() if cursor.returns_rows else ()
        except _FAILURES as error:
            _raise_unless_ours(error)
            raise

    @contextmanager
    def transaction(self, *, continues: bool = False) -> Iterator[Connection]:
        """Commit what the block does, all or nothing; an exception that leaves the block rolls it back.

        Raises Unavailable if the database fails before the commit: nothing has happened then. `continues`
        says that an earlier transaction of the same request stands, so that even this leaves the outcome
        unknown. Raises OutcomeUnknown if the commit itself is not answered, InvalidRequest for what cannot be stored.
        """
        not_done = OutcomeUnknown if continues else Unavailable
        try:
            connection = self._begin()
        except _FAILURES as error:
            _raise_unless_ours(error, not_done)
            raise
        with connection:
            try:
                yield connection
            except _FAILURES as error:
                _roll_back(connection)
                _raise_unless_ours(error, not_done)
                raise
            except BaseException:
                _roll_back(connection)
                raise
            try:
                connection.exec_driver_sql("COMMIT")
            except DBAPIError as error:
                connection.invalidate()
                if has_rolled_back(_sqlstate(error)):
                    _raise_unless_ours(error, not_done)
                    raise
                raise OutcomeUnknown("The database did not confirm.") from error
            self._metrics.db_commits.inc()

    def _begin(self) -> Connection:
        """Return a connection on which a transaction is open. BEGIN doubles as the test of a pooled connection."""
        for last_try in (False, True):
            connection, began = self.engine.connect(), time.monotonic()
            try:
                connection.exec_driver_sql("BEGIN")
                return connection
            except DBAPIError as error:
                connection.close()
                if last_try or not _was_cut(error, began):
                    raise
        raise AssertionError("unreachable")

    def is_ready(self, within_s: float = 1.0) -> bool:
        """Tell whether the database answers in time. A probe that hangs is waited for and not joined by others."""
        if self._probe is None or self._probe.done():
            self._probe = self._prober.submit(self.fetch_all, text("SELECT 1"))
        try:
            return bool(self._probe.result(timeout=within_s))
        except (Unavailable, TookTooLong):
            return False

    def close(self) -> None:
        """Close all connections."""
        self._prober.shutdown(wait=False, cancel_futures=True)
        self.engine.dispose()


def _is_disconnect(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _was_cut(error: BaseException, began: float) -> bool:
    """Tell whether a connection out of the pool was found closed at once, so that a fresh one is worth a try."""
    return _is_disconnect(error) and time.monotonic() - began < CUT_TELLS_WITHIN_S


def _raise_unless_ours(error: BaseException, away: type[Unavailable | OutcomeUnknown] = Unavailable) -> None:
    """Raise `away` if the database is at fault, InvalidRequest if the caller's values are; return if we are."""
    match _error_origin(error):
        case ErrorOrigin.DATABASE:
            raise away("The database is away, or cannot do this now.") from error
        case ErrorOrigin.CALLER:
            raise InvalidRequest("A value of the request cannot be stored.") from error


def _error_origin(error: BaseException) -> ErrorOrigin:
    if sqlstate := _sqlstate(error):
        return error_origin(sqlstate)
    if isinstance(error, DataError | UnicodeEncodeError):  # refused by the driver before it was sent
        return ErrorOrigin.CALLER
    is_away = isinstance(error, NoFreeConnection | OperationalError | InterfaceError) or _is_disconnect(error)
    return ErrorOrigin.DATABASE if is_away else ErrorOrigin.OURS


def _leave_read_only_server(context: ExceptionContext) -> None:
    """Drop the connections to a server that became a standby: new ones go to whoever is the primary now."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def _sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE that the server gave; empty if it gave none."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def _roll_back(connection: Connection) -> None:
    if connection.invalidated:  # cut: the database has rolled back by itself
        return
    try:
        connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:
        connection.invalidate()  # it cannot be told what is open on it
