"""The id that follows a request: from the edge, kept in a context variable, put into logs and problems.

Beside it, the trace context of whoever records spans, which calls, events and queued mails carry along.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-Id"
TRACEPARENT = "traceparent"
_ALLOWED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("trace_id", default="")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def begin(header: str | None) -> str:
    """Set and return the trace id of the request at hand; a header that is no id of the edge's is not believed."""
    trace_id = header if header and _ALLOWED.fullmatch(header) else str(uuid.uuid4())
    _current.set(trace_id)
    return trace_id


def current() -> str:
    """Return the trace id of the request or event at hand, or an empty string outside one."""
    return _current.get()


def carried() -> str:
    """Return the `traceparent` that calls, events and queued mails of the work at hand carry along (W3C Trace Context).

    Empty unless somebody records spans: see `carrying`.
    """
    return _traceparent.get()


@contextmanager
def carrying(traceparent: str) -> Iterator[None]:
    """Let whatever leaves from the work in this block carry this trace context along."""
    token = _traceparent.set(traceparent)
    try:
        yield
    finally:
        _traceparent.reset(token)


def inject(headers: dict[str, str]) -> None:
    """Put into the headers of a call to another part what it is followed by; nothing outside a request."""
    if trace_id := _current.get():
        headers[HEADER] = trace_id
    if traceparent := _traceparent.get():
        headers[TRACEPARENT] = traceparent
