"""Draws orders' traces as one page that needs nothing else: waterfalls side by side, on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from loadtests.traces.tree import OrderTrace, SpanNode

COLOURS = {
    "orders": "#2f6fde",
    "catalog": "#1d8a4e",
    "payments": "#a83da8",
    "notifications": "#0f8b9d",
    "edge": "#a86a00",
}
OTHER = "#667085"
SHOWN_SLICES = 6
STYLE = Path(__file__).with_name("page.css")


def write(path: Path, traces: Sequence[tuple[str, OrderTrace]]) -> Path:
    """Write the page, making its folder, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(traces), "utf-8")
    return path


def page(traces: Sequence[tuple[str, OrderTrace]]) -> str:
    """Return the page of these traces, by the names of their stacks."""
    longest_ns = max(trace.waited_ns for _, trace in traces)
    columns = "".join(_column(name, trace, longest_ns) for name, trace in traces)
    what = " and ".join(name for name, _ in traces)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Where the time went: {escape(what)}</title><style>{STYLE.read_text('utf-8')}</style></head>"
        f"<body><h1>Where the time went</h1>{_legend()}<main>{columns}</main></body></html>"
    )


def _legend() -> str:
    items = "".join(f'<li><i style="background:{colour}"></i>{part}</li>' for part, colour in COLOURS.items())
    return f'<ul class="legend">{items}<li><i class="failed"></i>failed</li></ul>'


def _column(name: str, trace: OrderTrace, longest_ns: int) -> str:
    slices = "".join(
        f"<tr><td>{one.self_ns / 1e6:.1f} ms</td><td>{one.self_ns / max(1, trace.waited_ns):.0%}</td>"
        f'<td><i style="background:{_colour(one.part)}"></i>{escape(one.where)}</td></tr>'
        for one in trace.where_the_time_went()[:SHOWN_SLICES]
    )
    late = trace.afterwards()
    after = ""
    if late:
        reached_ns = max(node.span.end_ns for node in late) - trace.request.span.start_ns
        after = f"<h3>Afterwards</h3>{_spans(late, trace.request.span.start_ns, reached_ns)}"
    during = _spans(trace.during(), trace.request.span.start_ns, longest_ns)
    return (
        f"<section><h2>{escape(name)}</h2><p>{escape(trace.title)}</p>"
        f'<p class="verdict">{escape(trace.verdict())}</p><table class="slices">{slices}</table>'
        f"<h3>While the customer waited</h3>{during}{after}</section>"
    )


def _spans(nodes: Sequence[SpanNode], origin_ns: int, scale_ns: int) -> str:
    rows = "".join(_row(node, origin_ns, scale_ns) for node in nodes)
    return (
        '<table class="spans"><thead><tr><th>step</th><th>at ms</th><th>ms</th><th>self</th>'
        f'<th class="time"><span>0</span><span>{scale_ns / 1e6:.1f} ms</span></th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(node: SpanNode, origin_ns: int, scale_ns: int) -> str:
    span = node.span
    left_percent = min(100.0, max(0.0, (span.start_ns - origin_ns) / max(1, scale_ns) * 100))
    width = min(100.0 - left_percent, max(0.3, span.duration_ns / max(1, scale_ns) * 100))
    more = "; ".join(f"{key}: {value}" for key, value in span.attributes.items() if value not in (None, ""))
    bar = f"left:{left_percent:.2f}%;width:{width:.2f}%;background:{_colour(node.part)}"
    return (
        f'<tr{" class=failed" if span.failed else ""} title="{escape(more, quote=True)}">'
        f'<td style="padding-left:{0.9 * min(node.depth, 8) + 0.2:.1f}em">'
        f'<b style="color:{_colour(node.part)}">{escape(node.part)}</b> {escape(span.name)}</td>'
        f"<td>{(span.start_ns - origin_ns) / 1e6:.1f}</td><td>{span.duration_ns / 1e6:.1f}</td>"
        f"<td>{node.self_ns / 1e6:.1f}</td>"
        f'<td class="time"><i style="{bar}"></i></td></tr>'
    )


def _colour(part: str) -> str:
    return COLOURS.get(part, OTHER)
