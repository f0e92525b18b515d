"""Spans around steps of the business: public functions and methods, named by reference."""

from __future__ import annotations

import functools
import inspect
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeAlias

from opentelemetry.trace import Span, SpanKind

from shared.platform import trace_context
from variants.tracing.recording import ORDER, PART, active, recorder_of
from variants.tracing.replacing import replace

P = ParamSpec("P")
SpanAtHand: TypeAlias = AbstractContextManager[Span]


class Steps:
    """Puts spans around steps of one part. They are called `<title>.<function>`.

    `recorder`: whose process it is. `part`: the module of the monolith that takes the step; a service is one by itself.
    """

    def __init__(self, recorder: str, *, part: str = "", title: str = "") -> None:
        self._recorder = recorder
        self._title = title or part or recorder
        self._about = {PART: part} if part else {}

    def call(self, function: Callable[P, Any], order_of: Callable[P, str] | None = None) -> None:
        """Put a span around a function wherever a recorded request calls it; `order_of` returns the order's id."""
        name = self._name(function)

        def begin(*args: P.args, **kwargs: P.kwargs) -> SpanAtHand | None:
            now = active()
            if now is None:
                return None
            about = self._about if order_of is None else {ORDER: order_of(*args, **kwargs), **self._about}
            return now.recorder.at_hand(now.recorder.begin(name, SpanKind.INTERNAL, now.span, about))

        _surround(function, begin)

    def root(self, function: Callable[P, Any], order_of: Callable[P, str]) -> None:
        """Put a span around a step of a loop, which nobody asked for: it is the root of a trace, kept by chance."""
        name = self._name(function)

        def begin(*args: P.args, **kwargs: P.kwargs) -> SpanAtHand | None:
            recorder = recorder_of(self._recorder)
            parent = recorder.admit(None, str(uuid.uuid4())) if active() is None else None
            if parent is None:
                return None
            about = {ORDER: order_of(*args, **kwargs), **self._about}
            return recorder.at_hand(recorder.begin(name, SpanKind.INTERNAL, parent, about))

        _surround(function, begin)

    def mail(self, function: Callable[P, Any], mail_of: Callable[P, Any]) -> None:
        """Put a span around the sending of a queued mail, below the span that had queued it.

        `mail_of` returns its row: `order_id`, `kind`, `traceparent`.
        """

        def begin(*args: P.args, **kwargs: P.kwargs) -> SpanAtHand | None:
            mail = mail_of(*args, **kwargs)
            parent = trace_context.parse(mail.traceparent) if mail.traceparent else None
            if parent is None:
                return None
            recorder = recorder_of(self._recorder)
            about = {ORDER: str(mail.order_id), **self._about}
            return recorder.at_hand(recorder.begin(f"mail {mail.kind}", SpanKind.CLIENT, parent, about))

        _surround(function, begin)

    def _name(self, function: Callable[..., Any]) -> str:
        return f"{self._title}.{function.__name__}"


def _surround(function: Callable[P, Any], begin: Callable[P, SpanAtHand | None]) -> None:
    """Let each call of a function, or of a coroutine, run inside the span that `begin` returns, if it returns one."""

    @functools.wraps(function)
    def traced(*args: P.args, **kwargs: P.kwargs) -> Any:
        span = begin(*args, **kwargs)
        if span is None:
            return function(*args, **kwargs)
        with span:
            return function(*args, **kwargs)

    @functools.wraps(function)
    async def traced_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
        span = begin(*args, **kwargs)
        if span is None:
            return await function(*args, **kwargs)
        with span:
            return await function(*args, **kwargs)

    replace(function, traced_coroutine if inspect.iscoroutinefunction(function) else traced)
