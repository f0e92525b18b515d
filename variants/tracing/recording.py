"""Records the spans of one part with OpenTelemetry, and knows the span at hand."""

from __future__ import annotations

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

from shared.platform import trace_context, tracing
from shared.platform.trace_context import Parent
from variants.tracing.files import SUFFIX, FileExporter
from variants.tracing.settings import TracingSettings

ORDER = "twinshop.order_id"  # every span that is about an order says which
PART = "twinshop.part"  # the module of the monolith that a span belongs to; a service is one by itself
OPERATOR_PATHS = ("/healthz", "/readyz", "/metrics")  # nobody wants to see these
EXPORT_EVERY_MS = 1000
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)

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
        self._bound = trace_context.bound_of(ratio)
        self._tracer: Tracer = provider.get_tracer("twinshop")

    def admit(self, traceparent: str | None, request_id: str) -> Parent | None:
        """Return below what the span of a request or an event goes; None if it is not recorded."""
        if traceparent:
            return trace_context.parse(traceparent)
        trace_id = trace_context.trace_id_of(request_id)
        return Parent(int(trace_id, 16), 0) if trace_context.is_kept(trace_id, self._bound) else None

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
            remote = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=_SAMPLED)
            below = set_span_in_context(NonRecordingSpan(remote))
        else:
            _root_trace.set(parent.trace_id)
            below = Context()
        return self._tracer.start_span(name, below, kind, dict(attributes or {}), start_time=start_ns)

    @contextmanager
    def at_hand(self, span: Span) -> Iterator[Span]:
        """Make a span the one at hand for the block, and end it; an exception that leaves the block is a failure."""
        token = _active.set(Active(self, span))
        try:
            with tracing.carrying(header_of(span)):
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


def fail(span: Span, error: BaseException) -> None:
    """Mark a span as failed. The text of an error may hold what is nobody's business: its class says enough."""
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", type(error).__name__)


def header_of(span: Span) -> str:
    """Return `traceparent` for what is below a span."""
    context = span.get_span_context()
    return trace_context.header(context.trace_id, context.span_id)


class _Ids(RandomIdGenerator):
    """A root span's trace has the id of its request."""

    def generate_trace_id(self) -> int:
        return _root_trace.get() or super().generate_trace_id()


def recorder_of(part: str) -> Recorder:
    """Return the recorder of a part of this process, which is made with the first span that needs it."""
    if part not in _recorders:
        _recorders[part] = start(part, TracingSettings())
    return _recorders[part]


def close_all() -> None:
    """Hand over what no recorder has exported yet."""
    while _recorders:
        _recorders.popitem()[1].close()


def start(part: str, settings: TracingSettings) -> Recorder:
    """Return a recorder that exports to a file, to OTEL_EXPORTER_OTLP_ENDPOINT, or to both."""
    about = {"service.name": part, "service.namespace": "twinshop", "service.instance.id": f"{part}.{settings.replica}"}
    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource.create(about), id_generator=_Ids(), shutdown_on_exit=False
    )
    if settings.trace_dir:
        file = FileExporter(Path(settings.trace_dir) / f"{part}.{settings.replica}{SUFFIX}")
        provider.add_span_processor(BatchSpanProcessor(file, schedule_delay_millis=EXPORT_EVERY_MS))
    if settings.exports:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Recorder(part, provider, settings.trace_sampling)


_recorders: dict[str, Recorder] = {}
