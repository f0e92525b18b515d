"""Spans of calls between parts over HTTP."""

from __future__ import annotations

import httpx
from opentelemetry.trace import Span, SpanKind, StatusCode

from variants.tracing.recording import Active


def begin_call(now: Active, method: str, peer: str, path: str) -> Span:
    """Start the span of a call to another part, below the span at hand."""
    about = {"http.request.method": method, "url.path": path, "peer.service": peer}
    return now.recorder.begin(f"{method} {peer}", SpanKind.CLIENT, now.span, about)


def set_status(span: Span, answer: httpx.Response) -> None:
    """Say in the span of a call what was answered."""
    span.set_attribute("http.response.status_code", answer.status_code)
    if answer.status_code >= 500:
        span.set_status(StatusCode.ERROR)
