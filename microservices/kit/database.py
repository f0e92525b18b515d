"""The service's own database: reads in one round trip, transactions in one visible place, failures told apart."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.domain.errors import InvalidRequest, OutcomeUnknown, Unavailable
from shared.platform.metrics import Metrics
from shared.platform.postgres import session_settings
from shared.platform.sqlstate import ErrorOrigin, error_origin, has_rolled_back

log = logging.getLogger(__name__)

_Away = type[Unavailable | OutcomeUnknown]
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

CONNECT_TIMEOUT_S = 2.0
STATEMENT_TIMEOUT_MS = 2500
ANSWER_TIMEOUT_S = 3.0  # of a server that does not even say that a statement took too long
POOL_TIMEOUT_S = 2.0


class Database:
    """An asyncpg pool behind SQLAlchemy Core. Made without connecting; `close` when the app ends."""

    def __init__(self, url: str, pool_size: int, metrics: Metrics, name: str, *, patient: bool = False) -> None:
        """`patient` is for migrations and for filling tables: no statement is ended for taking long."""
        self._url, self._name = url, name
        self._metrics = metrics
        settings = session_settings(0, 0) if patient else session_settings(STATEMENT_TIMEOUT_MS)
        self.engine: AsyncEngine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            pool_use_lifo=True,
            hide_parameters=True,  # errors are logged, and parameters are addresses
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "command_timeout": None if patient else ANSWER_TIMEOUT_S,
                "server_settings": {"application_name": name, "jit": "off", **settings},
            },
        )
        # No BEGIN and no COMMIT around a statement that stands alone: a third of the round trips.
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        _watch(self.engine, metrics)
        pool: Any = self.engine.pool
        metrics.watch_pool(pool.checkedout, pool_size)

    async def read(self, statement: Executable, parameters: Parameters = None) -> Sequence[Row[Any]]:
        """Return the rows of a SELECT, in one round trip. Raises Unavailable, InvalidRequest."""
        async with self._connected(self._autocommit) as connection, translated(connection, Unavailable):
            return (await connection.execute(statement, parameters)).all()

    async def write(
        self, statement: Executable, parameters: Parameters = None, *, continues: bool = False
    ) -> Sequence[Row[Any]]:
        """Run a transaction that is one statement, in one round trip, and return its RETURNING rows.

        Raises Unavailable if nothing was done, OutcomeUnknown if the server went away before it had answered, or if
        `continues` says that something has happened before; InvalidRequest for what cannot be stored.
        """
        not_done = OutcomeUnknown if continues else Unavailable
        async with (
            self._connected(self._autocommit, not_done) as connection,
            translated(connection, OutcomeUnknown, if_rolled_back=not_done),
        ):
            result = await connection.execute(statement, parameters)
            self._metrics.db_commits.inc()
            return result.all() if result.returns_rows else ()

    @contextlib.asynccontextmanager
    async def transaction(self, *, continues: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a transaction, commit it at the end of the block, roll it back if the block raises.

        Raises Unavailable if the server goes away before the commit, OutcomeUnknown if during it, or if `continues`
        says that something has happened before; InvalidRequest for what cannot be stored.
        """
        not_done = OutcomeUnknown if continues else Unavailable
        async with self._connected(self.engine, not_done) as connection:
            async with translated(connection, not_done):
                yield connection  # if it raises, closing the connection rolls back
            async with translated(connection, OutcomeUnknown, if_rolled_back=not_done):
                await connection.commit()

    @contextlib.asynccontextmanager
    async def patient(self) -> AsyncIterator[Database]:
        """Another pool to the same database, whose statements may take as long as they take; closed at the end."""
        database = Database(self._url, 2, Metrics(), self._name, patient=True)
        try:
            yield database
        finally:
            await database.close()

    async def is_ready(self) -> bool:
        """Tell whether the database answers."""
        try:
            await self.read(text("SELECT 1"))
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    @contextlib.asynccontextmanager
    async def _connected(self, engine: AsyncEngine, away: _Away = Unavailable) -> AsyncIterator[AsyncConnection]:
        try:
            connection = await engine.connect()
        except Exception as error:
            if _error_origin(error) is ErrorOrigin.DATABASE:
                raise away("The database cannot be reached.") from error
            raise
        try:
            yield connection
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def translated(
    connection: AsyncConnection, away: _Away, *, if_rolled_back: _Away | None = None
) -> AsyncIterator[None]:
    """Raise `away` if the database is at fault, InvalidRequest if the caller's values are, and as it is what is ours.

    `if_rolled_back` is raised in place of `away` where the server says that nothing was done.
    """
    try:
        yield
    except Exception as error:
        match _error_origin(error):
            case ErrorOrigin.DATABASE:
                await _discard(connection)
                raised = if_rolled_back if if_rolled_back and has_rolled_back(_sqlstate(error)) else away
                raise raised("The database is away, or cannot do this now.") from error
            case ErrorOrigin.CALLER:
                raise InvalidRequest("A value of the request cannot be stored.") from error
        raise


def _error_origin(error: BaseException) -> ErrorOrigin:
    if sqlstate := _sqlstate(error):
        return error_origin(sqlstate)
    if isinstance(error, OSError | TimeoutError | PoolTimeout | InterfaceError | DisconnectionError):
        return ErrorOrigin.DATABASE  # asyncio's and the system's time-out are the same class
    is_cut = isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error.__cause__, OSError))
    return ErrorOrigin.DATABASE if is_cut else ErrorOrigin.OURS


def _sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE that the server, or the driver in its place, gave; empty if there is none."""
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


async def _discard(connection: AsyncConnection) -> None:
    """Cut a connection that is in an unknown state without asking the server, which may never answer."""
    with contextlib.suppress(Exception):
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        driver.terminate()
    with contextlib.suppress(Exception):
        await connection.invalidate()


def _watch(engine: AsyncEngine, metrics: Metrics) -> None:
    """Count statements and commits, and never hand out a connection that the server has closed."""

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def count_statement(*_: Any) -> None:
        metrics.db_statements.inc()

    @event.listens_for(engine.sync_engine, "commit")
    def count_commit(*_: Any) -> None:
        metrics.db_commits.inc()

    @event.listens_for(engine.sync_engine, "checkout")
    def refuse_closed(dbapi_connection: Any, *_: Any) -> None:
        # The event loop has seen the server's FIN: as good as a ping, and free of charge.
        if dbapi_connection.driver_connection.is_closed():
            raise DisconnectionError("the server has closed this connection")
