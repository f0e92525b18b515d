"""The id that follows a request: from the edge, kept in a context variable, put into logs and problems."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

HEADER = "X-Request-Id"
_ALLOWED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("trace_id", default="")


def begin(header: str | None) -> str:
    """Set and return the trace id of the request at hand; a header that is no id of the edge's is not believed."""
    trace_id = header if header and _ALLOWED.fullmatch(header) else str(uuid.uuid4())
    _current.set(trace_id)
    return trace_id


def current() -> str:
    """Return the trace id of the request or event at hand, or an empty string outside one."""
    return _current.get()


def carried() -> str:
    """Return the `traceparent` that an event or a job of the work at hand carries; empty where it is not recorded."""
    return _carry()


def carry_with(traceparent: Callable[[], str]) -> None:
    """Let `carried` say this: tracing is on (see shared/platform/spans)."""
    global _carry  # noqa: PLW0603  (one process, one way to trace)
    _carry = traceparent


def _nothing() -> str:
    return ""


_carry: Callable[[], str] = _nothing
