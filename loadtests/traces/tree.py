"""Puts spans together to one order's way: who called whom, how long each worked itself, and where the time went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from loadtests.traces.store import Span

EDGE_SLACK_NS = 2_000_000  # clocks of two processes on one machine, and rounding
POOL_WAIT = "wait for a connection"  # what variants/tracing/sql.py calls it


@dataclass
class SpanNode:
    """A span with what happened below it. `self_ns`: its own time, in which nothing below it was going on."""

    span: Span
    part: str
    depth: int = 0
    children: list[SpanNode] = field(default_factory=list)

    @property
    def self_ns(self) -> int:
        """The span's duration without that of what it waited for."""
        return self.span.duration_ns - _covered(
            ((child.span.start_ns, child.span.end_ns) for child in self.children), self.span.start_ns, self.span.end_ns
        )

    def walk(self) -> Iterator[SpanNode]:
        """Yield this node and all below it, in the order of time."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Slice:
    """A share of what the customer waited: how much of it was spent where."""

    where: str
    part: str
    self_ns: int
    count: int


@dataclass(frozen=True)
class OrderTrace:
    """What happened to one order, or one request. `request`: what the customer waited for, as seen furthest out."""

    title: str
    request: SpanNode
    others: tuple[SpanNode, ...]  # later traces about the same order: a webhook, a recovery, a cancellation

    @property
    def waited_ns(self) -> int:
        """How long the customer waited."""
        return self.request.span.duration_ns

    def during(self) -> list[SpanNode]:
        """Return what began while the customer waited, top to bottom."""
        return [node for node in self.request.walk() if node.span.start_ns <= self.request.span.end_ns]

    def afterwards(self) -> list[SpanNode]:
        """Return what began after the customer had the answer, in the order of time."""
        after = [node for node in self.request.walk() if node.span.start_ns > self.request.span.end_ns]
        return sorted([*after, *(node for root in self.others for node in root.walk())], key=lambda n: n.span.start_ns)

    def where_the_time_went(self) -> list[Slice]:
        """Return the wait by place, the largest share first: self times, so that nothing counts twice."""
        grouped: dict[tuple[str, str], list[int]] = defaultdict(list)
        for node in self.during():
            if node.self_ns > 0 and node.span.end_ns <= self.request.span.end_ns + EDGE_SLACK_NS:
                grouped[place_of(node), node.part].append(node.self_ns)
        slices = [Slice(where, part, sum(times), len(times)) for (where, part), times in grouped.items()]
        return sorted(slices, key=lambda one: -one.self_ns)

    def verdict(self) -> str:
        """Return in one sentence what took most of the time."""
        slices = self.where_the_time_went()
        if not slices:
            return "It took no time that could be measured."
        largest = slices[0]
        share = largest.self_ns / max(1, self.waited_ns)
        often = f", in {largest.count} pieces" if largest.count > 1 else ""
        most = "Most of the time" if share > 0.5 else "The largest share"
        return (
            f"{most}, {largest.self_ns / 1e6:.1f} of {self.waited_ns / 1e6:.1f} ms ({share:.0%}), "
            f"was spent {largest.where}{often}."
        )


def place_of(node: SpanNode) -> str:
    """Return where a node's own time is spent, in words."""
    span, peer = node.span, node.span.attributes.get("peer.service")
    if span.service == "edge":
        to = span.attributes.get("envoy.to")
        return f"in the edge, on the way to {to}"
    if peer:
        return f"on the way from {node.part} to {peer}" if node.children else f"waiting for the {peer}"
    if span.name == POOL_WAIT:
        return f"waiting for a free connection to the database of {node.part}"
    if "db.system.name" in span.attributes:
        return f"in the database of {node.part} ({span.name})"
    return f"in {node.part} itself ({span.name})"


def assemble(title: str, spans: Iterable[Span]) -> OrderTrace | None:
    """Return the trace that these spans tell, or None if none of them serves a request."""
    roots = _forest(list(spans))
    served = [root for root in roots if root.span.kind == "server"]
    placed = [root for root in served if _is_order(root)] or served
    if not placed:
        return None
    request = min(placed, key=lambda root: root.span.start_ns)
    return OrderTrace(title, request, tuple(root for root in roots if root is not request))


def _is_order(root: SpanNode) -> bool:
    return any(node.span.name == "POST /orders" for node in [root, *root.children])


def _forest(spans: list[Span]) -> list[SpanNode]:
    """Return the roots. A request that passed the edge belongs below the edge's span, whoever its parent is."""
    nodes = {span.id: SpanNode(span, span.part) for span in spans}
    roots: list[SpanNode] = []
    for node in nodes.values():
        above = _edge_above(node, nodes) or nodes.get(node.span.parent)
        (above.children if above is not None else roots).append(node)
    for root in roots:
        _settle(root, "", 0)
    return sorted(roots, key=lambda root: root.span.start_ns)


def _edge_above(node: SpanNode, nodes: dict[str, SpanNode]) -> SpanNode | None:
    span = node.span
    if span.kind != "server" or span.service == "edge":
        return None
    for other in nodes.values():
        edge = other.span
        same_parent = edge.service == "edge" and (edge.trace, edge.parent) == (span.trace, span.parent)
        if same_parent and edge.start_ns - EDGE_SLACK_NS <= span.start_ns <= edge.end_ns + EDGE_SLACK_NS:
            return other
    return None


def _settle(node: SpanNode, part: str, depth: int) -> None:
    node.part = node.part or part
    node.depth = depth
    node.children.sort(key=lambda child: child.span.start_ns)
    for child in node.children:
        _settle(child, node.part, depth + 1)


def _covered(intervals: Iterable[tuple[int, int]], begin: int, end: int) -> int:
    """Return how much of [begin, end] the intervals cover together."""
    covered, reached = 0, begin
    for first, last in sorted(intervals):
        start, stop = max(first, reached), min(last, end)
        if stop > start:
            covered, reached = covered + stop - start, stop
    return covered
