"""Reads what the parts of a stack have kept: spans of the applications, and the edge's log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.envoy import access_log
from shared.platform.trace_context import parse, trace_id_of

ORDER = "twinshop.order_id"
PART = "twinshop.part"
PLACED = "POST /orders"


@dataclass(frozen=True)
class Span:
    """One span. Times are nanoseconds since the epoch. `part`: a service, a module of the monolith, or the edge."""

    trace: str
    id: str
    parent: str
    name: str
    service: str
    kind: str
    start_ns: int
    end_ns: int
    failed: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def duration_ns(self) -> int:
        """How long it took."""
        return max(0, self.end_ns - self.start_ns)

    @property
    def part(self) -> str:
        """The part it says it belongs to; empty in the monolith where its parent knows better."""
        own = str(self.attributes.get(PART, ""))
        return own or ("" if self.service == "monolith" else self.service)

    @property
    def order_id(self) -> str:
        """The order it is about, or an empty string."""
        return str(self.attributes.get(ORDER, ""))


class Store:
    """The traces of one stack, in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of one trace; `trace_id` may be a request's id, as answers and problems tell it."""
        return self.traces([trace_id_of(trace_id)])

    def traces(self, trace_ids: Iterable[str]) -> list[Span]:
        """Return the spans of these traces, the edge's included."""
        ids = set(trace_ids)
        return [span for span in self._spans() if span.trace in ids]

    def of_order(self, order_id: str) -> list[Span]:
        """Return the spans of all traces that are about an order: its placing, and whatever came of it later."""
        return self.traces({span.trace for span in self._spans(order_id) if span.order_id == order_id})

    def orders(self) -> dict[str, Span]:
        """Return the orders whose placing is kept, oldest first: the span that served the request, by order id."""
        about: dict[str, str] = {}
        served: dict[str, Span] = {}
        for span in self._spans(ORDER, PLACED):
            if span.order_id:
                about.setdefault(span.trace, span.order_id)
            if span.name == PLACED and span.kind == "server" and span.service != "edge":
                served[span.trace] = span
        oldest_first = sorted(served.items(), key=lambda item: item[1].start_ns)
        return {about[trace]: span for trace, span in oldest_first if trace in about}

    def requests(self) -> dict[str, Span]:
        """Return the span of each request that came from outside, by trace id."""
        spans: dict[str, Span] = {}
        for span in self._spans():
            if span.kind == "server" and not span.parent and span.service != "edge":
                spans[span.trace] = span
        return spans

    def _spans(self, *about: str) -> Iterator[Span]:
        """Yield all spans, or only those whose lines mention any of `about`: reading a line costs more than that."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.iterdir()):
            with path.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if not line.endswith("\n") or (about and not any(word in line for word in about)):
                        continue  # of no interest, or being written just now
                    try:
                        row = json.loads(line)
                        yield (
                            _of_edge(row) if path.name.startswith(access_log.FILE) else Span(id=row.pop("span"), **row)
                        )
                    except (ValueError, TypeError, KeyError):
                        continue  # half a line: a part was killed while it wrote


def _of_edge(line: dict[str, Any]) -> Span:
    """Return a line of the edge's log as a span. Its id is one that nobody else gives."""
    parent = parse(line.get("traceparent") or "")
    trace = f"{parent.trace_id:032x}" if parent else trace_id_of(line["request_id"])
    whole, _, fraction = line["start"].partition(".")
    start_ns = int(whole) * 1_000_000_000 + int(fraction.ljust(9, "0"))
    status = int(line["status"])
    return Span(
        trace=trace,
        id=f"edge-{line['listener']}-{line['start']}",
        parent=f"{parent.span_id:016x}" if parent else "",
        name=f"{line['method']} {line['path']}",
        service="edge",
        kind="server",
        start_ns=start_ns,
        end_ns=start_ns + int(line["took_us"]) * 1000,
        failed=status >= 500,
        attributes={"http.response.status_code": status, "envoy.to": line.get("to"), "envoy.flags": line.get("flags")},
    )
