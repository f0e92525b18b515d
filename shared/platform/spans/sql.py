"""Spans of what a part waits for at its database: statements, commits, and a free connection of the pool."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import SpanKind
from sqlalchemy import Engine, event

from shared.platform.spans.recording import active, fail

MAX_TEXT = 400
NOTICED_NS = 500_000  # waiting for a connection is worth a span from half a millisecond on
_WRITTEN = re.compile(r"(?<!FOR )(?<!KEY )(?<!DO )\b(INSERT INTO|UPDATE|DELETE FROM) (\w+)", re.IGNORECASE)
_READ = re.compile(r"\b(FROM) (\w+)(?!\w|\()", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_HELD = "_twinshop_span"


def watch(engine: Engine) -> None:
    """Put a span around each statement of a recorded request."""
    about = {"db.system.name": "postgresql", "db.namespace": engine.url.database or ""}

    def before(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:
        now = active()
        if now is not None:
            text = _SPACES.sub(" ", statement).strip()
            span = now.recorder.begin(
                name_of(text), SpanKind.CLIENT, now.span, {**about, "db.query.text": text[:MAX_TEXT]}
            )
            setattr(context, _HELD, span)

    def after(_c: Any, _cursor: Any, _statement: str, _p: Any, context: Any, _many: bool) -> None:
        if active() is not None and (span := getattr(context, _HELD, None)) is not None:
            span.end()

    def failed(context: Any) -> None:
        span = getattr(context.execution_context, _HELD, None)
        if span is not None:
            fail(span, context.original_exception)
            span.end()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
    pool: Any = engine.pool
    pool.connect = _waiting(pool.connect, about)
    dialect: Any = engine.dialect
    dialect.do_commit = _committing(dialect.do_commit, about)


def name_of(statement: str) -> str:
    """Return the verb and the table of the first that a statement writes, or reads, such as `UPDATE orders`."""
    found = _WRITTEN.search(statement) or _READ.search(statement)
    if found is None:
        return statement.split(" ", 1)[0].upper()
    verb = found[1].split()[0].upper()
    return f"{'SELECT' if verb == 'FROM' else verb} {found[2]}"


def _committing(commit: Callable[..., Any], about: dict[str, str]) -> Callable[..., Any]:
    @functools.wraps(commit)
    def committing(*args: Any) -> Any:
        now = active()
        if now is None:
            return commit(*args)
        with now.recorder.at_hand(now.recorder.begin("COMMIT", SpanKind.CLIENT, now.span, about)):
            return commit(*args)

    return committing


def _waiting(connect: Callable[[], Any], about: dict[str, str]) -> Callable[[], Any]:
    @functools.wraps(connect)
    def waiting() -> Any:
        now = active()
        if now is None:
            return connect()
        began = time.time_ns()
        try:
            return connect()
        finally:
            if time.time_ns() - began > NOTICED_NS:
                now.recorder.begin("wait for a connection", SpanKind.CLIENT, now.span, about, began).end()

    return waiting
