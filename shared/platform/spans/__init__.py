"""Spans of OpenTelemetry, where tracing is on. Where it is off, nothing is wrapped and nothing of it is imported.

The id that the edge gives each request is the id of its trace (see shared/platform/tracing.py): what a customer reads
in a problem finds the trace. Whether a trace is kept is decided by that id alone, before OpenTelemetry is asked, and
for a request that is not kept all that follows is a look at a context variable.

sampling    which traces are kept; `traceparent`
recording   Recorder: spans of one part, and the span at hand
files       keeps spans in a file of the part's own, so that no other server is needed
calls       wraps methods and functions; httpx transports
sql         watches an engine of SQLAlchemy
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.platform.settings import CommonSettings
    from shared.platform.spans.recording import Recorder


def start(part: str, settings: CommonSettings) -> Recorder | None:
    """Return what records the spans of a part, or None if TRACE_SAMPLING is not set."""
    if settings.trace_sampling is None:
        return None
    from shared.platform.spans import recording  # noqa: PLC0415  (OpenTelemetry costs memory and time to import)

    return recording.start(part, settings.trace_sampling, settings.trace_dir)
