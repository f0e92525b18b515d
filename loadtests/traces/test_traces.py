"""From spans to one sentence: who waited for whom, and who took the time himself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from loadtests.traces import page
from loadtests.traces.store import Span, Store
from loadtests.traces.tree import OrderTrace, assemble

MS = 1_000_000
TRACE = "6f1c9f0e3a2b4c5d8e9f00123456789a"


def span(id_: str, parent: str, name: str, service: str, begin_ms: float, end_ms: float, **more: Any) -> Span:
    kind = more.pop("kind", "internal")
    return Span(TRACE, id_, parent, name, service, kind, int(begin_ms * MS), int(end_ms * MS), False, more)


def services_order() -> list[Span]:
    """An order whose payment took 60 of 80 ms in the payments service itself."""
    return [
        span("e", "", "POST /orders", "edge", 0, 80, kind="server"),
        span("o", "", "POST /orders", "orders", 1, 79, kind="server"),
        span("c", "o", "POST payments", "orders", 10, 75, kind="client", **{"peer.service": "payments"}),
        span("i", "c", "POST /internal/charges", "edge", 11, 74, kind="server"),
        span("p", "c", "POST /internal/charges", "payments", 12, 73, kind="server"),
        span("s", "p", "INSERT payments", "payments", 13, 14, kind="client", **{"db.system.name": "postgresql"}),
        span("m", "o", "process order.confirmed", "notifications", 120, 140, kind="consumer"),
    ]


def trace_of(spans: list[Span]) -> OrderTrace:
    trace = assemble("an order", spans)
    assert trace is not None
    return trace


def test_the_sentence_names_whoever_took_the_time_himself() -> None:
    trace = trace_of(services_order())

    assert trace.verdict() == (
        "Most of the time, 60.0 of 80.0 ms (75%), was spent in payments itself (POST /internal/charges)."
    )


def test_self_times_add_up_to_the_wait() -> None:
    trace = trace_of(services_order())

    assert sum(one.self_ns for one in trace.where_the_time_went()) == trace.waited_ns == 80 * MS


def test_what_passed_the_edge_lies_below_the_edge() -> None:
    trace = trace_of(services_order())

    assert [(node.depth, node.span.id) for node in trace.during()] == [
        (0, "e"), (1, "o"), (2, "c"), (3, "i"), (4, "p"), (5, "s"),
    ]  # fmt: skip
    assert [node.span.id for node in trace.afterwards()] == ["m"]


def test_in_the_monolith_a_statement_belongs_to_the_module_that_sent_it() -> None:
    trace = trace_of(
        [
            span("o", "", "POST /orders", "monolith", 0, 50, kind="server", **{"twinshop.part": "orders"}),
            span("r", "o", "catalog.reserve", "monolith", 1, 40, **{"twinshop.part": "catalog"}),
            span("s", "r", "SELECT stock", "monolith", 2, 39, kind="client", **{"db.system.name": "postgresql"}),
        ]
    )

    assert "in the database of catalog (SELECT stock)" in trace.verdict()


def test_a_pool_that_is_empty_is_told_from_a_database_that_is_slow() -> None:
    wait = span("w", "o", "wait for a connection", "orders", 1, 49, kind="client", **{"db.system.name": "postgresql"})
    trace = trace_of([span("o", "", "POST /orders", "orders", 0, 50, kind="server"), wait])

    assert "waiting for a free connection to the database of orders" in trace.verdict()


def test_half_a_line_is_no_span(tmp_path: Path) -> None:
    line = {
        "trace": TRACE, "span": "a", "parent": "", "name": "POST /orders", "service": "orders", "kind": "server",
        "start_ns": 1, "end_ns": 2, "failed": False, "attributes": {"twinshop.order_id": "order-1"},
    }  # fmt: skip
    (tmp_path / "orders.0.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(line)[:40])

    assert [one.id for one in Store(tmp_path).of_order("order-1")] == ["a"]
    assert list(Store(tmp_path).orders()) == ["order-1"]


def test_a_line_of_the_edges_log_is_a_span(tmp_path: Path) -> None:
    line = {
        "listener": "edge", "request_id": "6f1c9f0e-3a2b-4c5d-8e9f-00123456789a", "start": "7.25", "took_us": "1500",
        "method": "GET", "path": "/products/third", "status": "503", "to": "catalog", "flags": "UH",
    }  # fmt: skip
    (tmp_path / "edge.jsonl").write_text(json.dumps(line) + "\n")

    (span,) = Store(tmp_path).traces([TRACE])

    assert (span.name, span.service, span.failed) == ("GET /products/third", "edge", True)
    assert (span.start_ns, span.end_ns) == (7_250_000_000, 7_251_500_000)


def test_the_page_says_what_it_was_given_and_nothing_more() -> None:
    trace = trace_of([span("o", "", "POST <b>", "orders", 0, 5, kind="server")])

    html = page.page([("microservices", trace)])

    assert "POST &lt;b&gt;" in html
    assert "<b>orders" not in html
    assert not re.search(r"(src|href)=", html)
