"""Records the spans of one part with OpenTelemetry, and knows the span at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from shared.platform import tracing
from shared.platform.settings import OTLP_ENDPOINTS
from shared.platform.spans import sampling
from shared.platform.spans.files import SUFFIX, FileExporter
from shared.platform.spans.sampling import Parent

ORDER = "twinshop.order_id"  # every span that is about an order says which
PART = "twinshop.part"  # the module of the monolith that a span belongs to; a service is one by itself
EXPORT_EVERY_MS = 1000
_KEPT = TraceFlags(TraceFlags.SAMPLED)

Attributes = Mapping[str, str | int | float | bool]


class Active:
    """The span at hand, and the recorder that makes the spans below it."""

    __slots__ = ("recorder", "span")

    def __init__(self, recorder: Recorder, span: Span) -> None:
        self.recorder, self.span = recorder, span


_active: ContextVar[Active | None] = ContextVar("active_span", default=None)
_root_trace: ContextVar[int] = ContextVar("root_trace", default=0)


def active() -> Active | None:
    """Return the span at hand, or None if what goes on is not recorded: then there is nothing to do."""
    return _active.get()


class Recorder:
    """Makes the spans of one part."""

    def __init__(self, part: str, provider: TracerProvider, ratio: float) -> None:
        self.part = part
        self._provider = provider
        self._bound = sampling.bound_of(ratio)
        self._tracer: Tracer = provider.get_tracer("twinshop")

    def admit(self, traceparent: str | None, request_id: str) -> Parent | None:
        """Return below what the span of a request or an event goes; None if it is not recorded."""
        if traceparent:
            return sampling.parse(traceparent)
        trace_id = sampling.trace_id_of(request_id)
        return Parent(int(trace_id, 16), 0) if sampling.is_kept(trace_id, self._bound) else None

    def begin(
        self,
        name: str,
        kind: SpanKind,
        parent: Parent | Span,
        attributes: Attributes | None = None,
        start_ns: int | None = None,
    ) -> Span:
        """Start a span. It ends by `end()`, and is not at hand: see `at_hand`."""
        if isinstance(parent, Span):
            below: Context = set_span_in_context(parent)
        elif parent.span_id:
            remote = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=_KEPT)
            below = set_span_in_context(NonRecordingSpan(remote))
        else:
            _root_trace.set(parent.trace_id)
            below = Context()
        return self._tracer.start_span(name, below, kind, dict(attributes or {}), start_time=start_ns)

    def enter(self, span: Span) -> None:
        """Make a span the one at hand until `leave`, where there is no block to do so."""
        _active.set(Active(self, span))

    @contextmanager
    def at_hand(self, span: Span) -> Iterator[Span]:
        """Make a span the one at hand for the block, and end it; an exception that leaves the block is a failure."""
        token = _active.set(Active(self, span))
        try:
            yield span
        except BaseException as error:
            fail(span, error)
            raise
        finally:
            _active.reset(token)
            span.end()

    def close(self) -> None:
        """Hand over what is not exported yet."""
        self._provider.shutdown()


def leave() -> None:
    """There is no span at hand any more."""
    _active.set(None)


def fail(span: Span, error: BaseException) -> None:
    """Mark a span as failed. The text of an error may hold what is nobody's business: its class says enough."""
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", type(error).__name__)


def traceparent() -> str:
    """Return the header that makes the span at hand the parent of what is asked for; empty if there is none."""
    now = _active.get()
    return header_of(now.span) if now is not None else ""


def header_of(span: Span) -> str:
    """Return `traceparent` for what is below a span."""
    context = span.get_span_context()
    return sampling.header(context.trace_id, context.span_id)


class _Ids(RandomIdGenerator):
    """A root span's trace has the id of its request."""

    def generate_trace_id(self) -> int:
        return _root_trace.get() or super().generate_trace_id()


def start(part: str, ratio: float, folder: str) -> Recorder:
    """Return a recorder that exports to a file in `folder`, to OTEL_EXPORTER_OTLP_ENDPOINT, or to both."""
    replica = os.environ.get("REPLICA", "0")
    about = {"service.name": part, "service.namespace": "twinshop", "service.instance.id": f"{part}.{replica}"}
    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource.create(about), id_generator=_Ids(), shutdown_on_exit=False
    )
    if folder:
        file = FileExporter(Path(folder) / f"{part}.{replica}{SUFFIX}")
        provider.add_span_processor(BatchSpanProcessor(file, schedule_delay_millis=EXPORT_EVERY_MS))
    if any(os.environ.get(name) for name in OTLP_ENDPOINTS):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracing.carry_with(traceparent)
    return Recorder(part, provider, ratio)
