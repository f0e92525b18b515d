"""Draws an order's way in the terminal: a line for each span, with a bar where it lies in time."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from loadtests.traces.tree import OrderTrace, SpanNode

BAR = 32
SHOWN_SLICES = 5
BESIDE_FROM = 190  # columns of a terminal in which two waterfalls fit beside each other
COLOURS = {
    "orders": "blue",
    "catalog": "green",
    "payments": "magenta",
    "notifications": "cyan",
    "edge": "yellow",
}
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def show(console: Console, traces: Sequence[tuple[str, OrderTrace]]) -> None:
    """Print the traces, by the names of their stacks; beside each other if there is room. All share one scale."""
    longest_ns = max(trace.waited_ns for _, trace in traces)
    pictures = [drawing(name, trace, longest_ns) for name, trace in traces]
    if len(pictures) == 2 and console.width >= BESIDE_FROM:
        grid = Table.grid(padding=(0, 3), expand=True)
        grid.add_row(*pictures)
        console.print(grid)
    else:
        for one in pictures:
            console.print(one)
            console.print()


def drawing(name: str, trace: OrderTrace, longest_ns: int) -> RenderableType:
    """Return one trace: the wait, where it went, and what came afterwards."""
    title = Text.from_markup(f"[bold]{escape(name)}[/]  {escape(trace.title)}", overflow="ellipsis")
    during = _table("while the customer waited", trace.during(), trace.request.span.start_ns, longest_ns)
    slices = Table.grid(padding=(0, 2))
    for one in trace.where_the_time_went()[:SHOWN_SLICES]:
        share = one.self_ns / max(1, trace.waited_ns)
        slices.add_row(f"{one.self_ns / 1e6:>8.1f} ms", f"{share:>4.0%}", Text(one.where, style=_style(one.part)))
    parts: list[RenderableType] = [title, during, Text(trace.verdict(), style="bold"), slices]
    if late := trace.afterwards():
        reached = max(node.span.end_ns for node in late) - trace.request.span.start_ns
        parts.append(_table("afterwards", late, trace.request.span.start_ns, reached))
    return Group(*parts)


def _table(title: str, nodes: Sequence[SpanNode], origin_ns: int, scale_ns: int) -> Table:
    table = Table(
        Column("part", no_wrap=True),
        Column(title, no_wrap=True, overflow="ellipsis", max_width=46),
        Column("at ms", justify="right", no_wrap=True),
        Column("ms", justify="right", no_wrap=True),
        Column("self", justify="right", no_wrap=True),
        Column("", no_wrap=True, width=BAR),
        box=None,
        padding=(0, 1),
        header_style="dim",
    )
    for node in nodes:
        span = node.span
        name = Text("  " * min(node.depth, 8) + span.name, style="red" if span.failed else "")
        bar = _bar(span.start_ns - origin_ns, span.duration_ns, scale_ns)
        table.add_row(
            Text(node.part, style=_style(node.part)),
            name,
            f"{(span.start_ns - origin_ns) / 1e6:.1f}",
            f"{span.duration_ns / 1e6:.1f}",
            f"{node.self_ns / 1e6:.1f}",
            Text(bar, style=_style(node.part)),
        )
    return table


def _bar(start_ns: int, duration_ns: int, scale_ns: int) -> str:
    begin = min(BAR - 1, max(0, start_ns * BAR // max(1, scale_ns)))
    eighths = max(1, round(duration_ns * BAR * 8 / max(1, scale_ns)))
    eighths = min(eighths, (BAR - begin) * 8)
    return " " * begin + "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _style(part: str) -> str:
    return COLOURS.get(part, "white")
