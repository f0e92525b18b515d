"""Keeps a part's spans in a file, one JSON object a line, so that they can be read without another server."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

MAX_BYTES = 32 << 20  # of a file; the one before it is kept too
SUFFIX = ".jsonl"
OLDER = ".1"


class FileExporter(SpanExporter):
    """Appends to `path`; a file that has grown too large is put aside, and the one put aside before is gone."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch with one call, so that a reader sees whole lines. A full disk loses spans and nothing else."""
        lines = "".join(json.dumps(as_dict(span), separators=(",", ":")) + "\n" for span in spans)
        try:
            if self._path.exists() and self._path.stat().st_size > MAX_BYTES:
                self._path.replace(self._path.with_name(self._path.name + OLDER))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, lines.encode())
            finally:
                os.close(descriptor)
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is open between batches."""


def as_dict(span: ReadableSpan) -> dict[str, Any]:
    """Return a span as it is kept; times are nanoseconds since the epoch, ids are hex digits."""
    context = span.get_span_context()
    assert context is not None
    return {
        "trace": f"{context.trace_id:032x}",
        "span": f"{context.span_id:016x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent is not None else "",
        "name": span.name,
        "service": span.resource.attributes.get("service.name", ""),
        "kind": span.kind.name.lower(),
        "start_ns": span.start_time or 0,
        "end_ns": span.end_time or 0,
        "failed": not span.status.is_ok,
        "attributes": dict(span.attributes or {}),
    }
