"""From spans to one sentence: who waited for whom, and who took the time himself."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from deploy.envoy.access_log import FILE, configure, sampled_ids, with_access_log
from deploy.envoy.admin import rotate_log
from deploy.envoy.bootstrap import bootstrap
from deploy.local.runner import LocalRunner
from deploy.model.home import Home
from deploy.model.parts import Secrets, Site
from deploy.model.topology import stack
from deploy.tests.asking import ask, eventually
from deploy.tests.stacks import HERE
from deploy.traces import page
from deploy.traces.store import Span, Store
from deploy.traces.tree import OrderTrace, assemble
from shared.platform import trace_context

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


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.06, 0.5, 0.999, 1.0])
def test_the_edge_keeps_whatever_the_applications_keep(ratio: float) -> None:
    pattern, bound = re.compile(sampled_ids(ratio)), trace_context.bound_of(ratio)
    ids = [str(uuid.uuid4()) for _ in range(2000)]

    own = {one for one in ids if trace_context.is_kept(trace_context.trace_id_of(one), bound)}
    edges = {one for one in ids if pattern.fullmatch(one)}

    assert own <= edges
    assert len(edges - own) < 10


def test_the_edge_keeps_a_log_only_while_it_is_told_to(tmp_path: Path) -> None:
    def edge_config() -> dict[str, Any]:
        config: dict[str, Any] = {}
        with_access_log([{"name": "edge", "filter_chains": [{"filters": [{"typed_config": config}]}]}], tmp_path)
        return config

    before = edge_config()
    configure(tmp_path, str(tmp_path / "kept"), 0.01)
    during = edge_config()
    configure(tmp_path, "", None)

    assert (before, edge_config()) == ({}, {})
    assert during["access_log"][0]["typed_config"]["path"] == f"{tmp_path}/kept/{FILE}"


def test_the_log_of_the_edge_is_put_aside_when_it_is_large_and_no_request_is_lost(
    home: Home, shift: int, tmp_path: Path
) -> None:
    runner = LocalRunner("monolith", home, shift, topology=HERE)
    settings = {"TRACE_SAMPLING": "1", "TRACE_DIR": str(tmp_path)}
    edge, envoy = runner.stack.part("edge"), home.stack("monolith") / "envoy"
    log, older = tmp_path / FILE, tmp_path / f"{FILE}.1"

    def is_logged(name: str) -> bool:
        ask(edge.port("http"), "GET", f"/products/{name}")
        return bool(eventually(lambda: any(name in one.read_text("utf-8") for one in tmp_path.iterdir())))

    try:
        runner.up({"edge": settings})
        assert is_logged("first")
        assert not rotate_log(envoy, edge.admin)
        assert rotate_log(envoy, edge.admin, max_bytes=1)
        assert is_logged("second")
        assert rotate_log(envoy, edge.admin, max_bytes=1)
        assert is_logged("third")
    finally:
        runner.down()

    line_counts = {path.name: path.read_text("utf-8").count("\n") for path in (older, log)}
    assert line_counts == {f"{FILE}.1": 1, FILE: 1}
    assert [one.name for one in sorted(Store(tmp_path)._spans(), key=lambda span: span.start_ns)] == [
        "GET /products/second", "GET /products/third",
    ]  # fmt: skip


def test_a_stranger_decides_nothing(tmp_path: Path) -> None:
    monolith = stack("monolith", Site(Secrets(b""), keys="", data=""))
    listeners = bootstrap(monolith, monolith.part("edge"), tmp_path)["static_resources"]["listeners"]

    (manager,) = [one["typed_config"] for one in listeners[0]["filter_chains"][0]["filters"]]
    assert manager["route_config"]["request_headers_to_remove"] == ["traceparent", "tracestate"]


def test_half_a_line_is_no_span(tmp_path: Path) -> None:
    line = {
        "trace": TRACE, "span": "a", "parent": "", "name": "POST /orders", "service": "orders", "kind": "server",
        "start_ns": 1, "end_ns": 2, "failed": False, "attributes": {"twinshop.order_id": "order-1"},
    }  # fmt: skip
    (tmp_path / "orders.0.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(line)[:40])

    assert [one.id for one in Store(tmp_path).of_order("order-1")] == ["a"]
    assert list(Store(tmp_path).orders()) == ["order-1"]


def test_the_page_says_what_it_was_given_and_nothing_more() -> None:
    trace = trace_of([span("o", "", "POST <b>", "orders", 0, 5, kind="server")])

    html = page.page([("microservices", trace)])

    assert "POST &lt;b&gt;" in html
    assert "<b>orders" not in html
    assert not re.search(r"(src|href)=", html)
