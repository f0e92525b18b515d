"""Spans of what a part waits for at its database: statements, commits, and a free connection of the pool."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry.trace import SpanKind
from sqlalchemy import Connection, Engine, ExceptionContext, Pool, PoolProxiedConnection, event
from sqlalchemy.engine.default import DefaultDialect

from variants.tracing.recording import active, fail
from variants.tracing.replacing import replace, when_restored

MAX_TEXT = 400
NOTICED_NS = 500_000  # waiting for a connection is worth a span from half a millisecond on
_WRITTEN = re.compile(r"(?<!FOR )(?<!KEY )(?<!DO )\b(INSERT INTO|UPDATE|DELETE FROM) (\w+)", re.IGNORECASE)
_READ = re.compile(r"\b(FROM) (\w+)(?!\w|\()", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_HELD = "_twinshop_span"
_ABOUT = {"db.system.name": "postgresql"}


def watch() -> None:
    """Put a span around each statement and each commit of a recorded request, on every engine of this process."""
    for name, listener in (
        ("before_cursor_execute", _before),
        ("after_cursor_execute", _after),
        ("handle_error", _failed),
    ):
        event.listen(Engine, name, listener)
        when_restored(partial(event.remove, Engine, name, listener))
    replace(Pool.connect, _waiting(Pool.connect))
    replace(DefaultDialect.do_commit, _committing(DefaultDialect.do_commit))


def _before(
    connection: Connection, _cursor: Any, statement: str, _parameters: Any, context: Any, _executemany: bool
) -> None:
    now = active()
    if now is not None:
        text = _SPACES.sub(" ", statement).strip()
        about = {**_ABOUT, "db.namespace": connection.engine.url.database or "", "db.query.text": text[:MAX_TEXT]}
        setattr(context, _HELD, now.recorder.begin(name_of(text), SpanKind.CLIENT, now.span, about))


def _after(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _executemany: bool) -> None:
    if active() is not None and (span := getattr(context, _HELD, None)) is not None:
        span.end()


def _failed(context: ExceptionContext) -> None:
    span = getattr(context.execution_context, _HELD, None)
    if span is not None:
        fail(span, context.original_exception)
        span.end()


def name_of(statement: str) -> str:
    """Return the verb and the table of the first that a statement writes, or reads, such as `UPDATE orders`."""
    match = _WRITTEN.search(statement) or _READ.search(statement)
    if match is None:
        return statement.split(" ", 1)[0].upper()
    verb = match[1].split()[0].upper()
    return f"{'SELECT' if verb == 'FROM' else verb} {match[2]}"


def _committing(commit: Callable[[DefaultDialect, Any], None]) -> Callable[[DefaultDialect, Any], None]:
    @functools.wraps(commit)
    def committing(dialect: DefaultDialect, connection: Any) -> None:
        now = active()
        if now is None:
            commit(dialect, connection)
            return
        with now.recorder.at_hand(now.recorder.begin("COMMIT", SpanKind.CLIENT, now.span, _ABOUT)):
            commit(dialect, connection)

    return committing


def _waiting(connect: Callable[[Pool], PoolProxiedConnection]) -> Callable[[Pool], PoolProxiedConnection]:
    @functools.wraps(connect)
    def waiting(pool: Pool) -> PoolProxiedConnection:
        now = active()
        if now is None:
            return connect(pool)
        began = time.time_ns()
        try:
            return connect(pool)
        finally:
            if time.time_ns() - began > NOTICED_NS:
                now.recorder.begin("wait for a connection", SpanKind.CLIENT, now.span, _ABOUT, began).end()

    return waiting
