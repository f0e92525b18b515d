"""Which traces are kept, and the W3C header `traceparent`. The standard library only."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

TRACERESPONSE = "traceresponse"  # W3C Trace Context, level 2: tells whoever asked which trace it was
_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_ID = re.compile(r"[0-9a-f]{32}")
_SAMPLED = 1
_RANDOM_DIGITS = 14  # the last 56 bits: those that W3C and UUIDv4 both leave to chance
_IDS: int = 16**_RANDOM_DIGITS


class Parent(NamedTuple):
    """Where a span goes: below span `span_id` of the trace, or at its root if that is 0."""

    trace_id: int
    span_id: int


def bound_of(ratio: float) -> int:
    """Return below which number the random part of a kept trace's id is."""
    return round(ratio * _IDS)


def trace_id_of(request_id: str) -> str:
    """Return the 32 hex digits of the trace of a request: its UUID, or a digest of what is no UUID."""
    digits = request_id.replace("-", "").lower()
    return digits if _ID.fullmatch(digits) else hashlib.sha256(request_id.encode()).hexdigest()[:32]


def is_kept(trace_id: str, bound: int) -> bool:
    """Tell whether the trace of these 32 hex digits is kept. Every part that knows the ratio decides the same."""
    return int(trace_id[-_RANDOM_DIGITS:], 16) < bound


def parse(traceparent: str) -> Parent | None:
    """Return the parent that a header names if its trace is kept; None if it is not, or the header is none."""
    form = _FORM.fullmatch(traceparent)
    if form is None or not int(form[3], 16) & _SAMPLED:
        return None
    parent = Parent(int(form[1], 16), int(form[2], 16))
    return parent if parent.trace_id and parent.span_id else None


def header(trace_id: int, span_id: int) -> str:
    """Return the header that makes a span of a kept trace the parent of what is asked for."""
    return f"00-{trace_id:032x}-{span_id:016x}-01"
