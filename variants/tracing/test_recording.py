"""What is kept is decided by a trace's id alone; where tracing is off, nothing of OpenTelemetry is there."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from shared.platform import trace_context, tracing
from variants.tracing.recording import close_all, recorder_of, start
from variants.tracing.replacing import replace, restored
from variants.tracing.settings import TracingSettings
from variants.tracing.sql import name_of
from variants.tracing.steps import Steps

REQUEST = "6f1c9f0e-3a2b-4c5d-8e00-12345678901a"  # its random part is small: kept at 1 %


def read_spans(folder: Path, part: str = "orders") -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{part}.0.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.3, 1.0])
def test_of_evenly_spread_ids_the_share_is_kept_that_was_asked_for(ratio: float) -> None:
    bound = trace_context.bound_of(ratio)
    random_parts = range(2**56 // 2000, 2**56, 2**56 // 1000)  # the middle of each thousandth

    sampled_parts = [part for part in random_parts if trace_context.is_kept(f"{'f' * 18}{part:014x}", bound)]

    assert sampled_parts == list(random_parts)[: round(1000 * ratio)]


def test_a_request_id_that_is_no_uuid_has_a_trace_too() -> None:
    assert trace_context.trace_id_of(REQUEST) == REQUEST.replace("-", "")
    assert len(trace_context.trace_id_of("by-hand")) == 32


@pytest.mark.parametrize(
    "header",
    ["", "00-0", f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'0' * 16}-01", f"00-{'1' * 32}-{'1' * 16}-00"],
    ids=["none", "none either", "no trace", "no span", "not kept"],
)
def test_nothing_is_recorded_below_a_parent_that_is_not(header: str) -> None:
    assert trace_context.parse(header) is None


def test_what_a_header_says_is_what_was_put_into_it() -> None:
    assert trace_context.parse(trace_context.header(7, 9)) == (7, 9)


class Till:
    def pay(self, order_id: str) -> str:
        return tracing.carried()

    def _count(self) -> None:
        """What nobody else may know of."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TracingSettings]:
    """Settings under which one trace in a hundred is kept in a folder."""
    monkeypatch.setenv("TRACE_SAMPLING", "0.01")
    monkeypatch.setenv("TRACE_DIR", str(tmp_path))
    yield TracingSettings()
    close_all()


def test_a_call_is_recorded_below_its_request_and_says_its_order(tmp_path: Path, settings: TracingSettings) -> None:
    recorder, till = recorder_of("orders"), Till()
    parent = recorder.admit(None, REQUEST)
    assert parent is not None

    with restored():
        Steps("orders", title="payments").call(Till.pay, lambda self, order_id: order_id)
        with recorder.at_hand(recorder.begin("POST /orders", _server(), parent)):
            answer = till.pay("order-1")
        unrecorded = till.pay("order-2")
    close_all()

    pay, post = read_spans(tmp_path)
    assert (pay["parent"], pay["trace"], pay["name"]) == (post["span"], post["trace"], "payments.pay")
    assert post["trace"] == REQUEST.replace("-", "")
    assert pay["attributes"] == {"twinshop.order_id": "order-1"}
    assert (answer, unrecorded) == (f"00-{pay['trace']}-{pay['span']}-01", "")


class Loop:
    async def settle_one(self, order_id: str) -> str:
        return tracing.carried()

    def send_one(self, mail: SimpleNamespace) -> str:
        return tracing.carried()


def test_a_step_of_a_loop_is_a_trace_of_its_own_unless_a_request_takes_it(
    tmp_path: Path, settings: TracingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACE_SAMPLING", "1")
    recorder, parent = recorder_of("payments"), trace_context.Parent(7, 9)

    with restored():
        Steps("payments").root(Loop.settle_one, lambda self, order_id: order_id)
        alone = asyncio.run(Loop().settle_one("order-1"))
        with recorder.at_hand(recorder.begin("POST /orders", _server(), parent)):
            asked_for = asyncio.run(Loop().settle_one("order-2"))
    close_all()

    step, post = read_spans(tmp_path, "payments")
    assert (step["name"], step["parent"], step["attributes"]) == (
        "payments.settle_one", "", {"twinshop.order_id": "order-1"},
    )  # fmt: skip
    assert alone == f"00-{step['trace']}-{step['span']}-01"
    assert asked_for == f"00-{post['trace']}-{post['span']}-01"


def test_a_mail_lies_below_the_span_that_queued_it_and_nowhere_if_there_was_none(
    tmp_path: Path, settings: TracingSettings
) -> None:
    mail = SimpleNamespace(order_id="order-1", kind="order_confirmed", traceparent=trace_context.header(7, 9))

    with restored():
        Steps("monolith", part="notifications").mail(Loop.send_one, lambda self, mail: mail)
        sent = Loop().send_one(mail)
        unrecorded = Loop().send_one(SimpleNamespace(traceparent=None))
    close_all()

    (span,) = read_spans(tmp_path, "monolith")
    assert (span["name"], span["trace"], span["parent"]) == ("mail order_confirmed", f"{7:032x}", f"{9:016x}")
    assert span["attributes"] == {"twinshop.order_id": "order-1", "twinshop.part": "notifications"}
    assert (sent, unrecorded) == (f"00-{span['trace']}-{span['span']}-01", "")


def test_what_is_replaced_for_a_test_is_put_back() -> None:
    before = Till.pay

    with restored():
        replace(Till.pay, lambda self, order_id: "traced")
        assert Till().pay("order-1") == "traced"

    assert Till.pay is before


def test_nobody_puts_a_span_around_what_is_private() -> None:
    with pytest.raises(ValueError, match=r"Till\._count is private"):
        Steps("orders").call(Till._count)


def test_spans_that_nobody_would_see_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRACE_DIR", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ValidationError, match="set TRACE_DIR or OTEL_EXPORTER_OTLP_ENDPOINT"):
        TracingSettings(trace_sampling=1)


def test_an_exception_is_a_failure_without_its_text(tmp_path: Path) -> None:
    recorder = start("orders", TracingSettings(trace_sampling=1, trace_dir=str(tmp_path)))
    parent = recorder.admit(None, REQUEST)
    assert parent is not None
    with pytest.raises(ValueError, match="secret"), recorder.at_hand(recorder.begin("x", _server(), parent)):
        raise ValueError("secret")
    recorder.close()

    (span,) = read_spans(tmp_path)
    assert (span["failed"], span["attributes"]) == (True, {"error.type": "ValueError"})


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes what is exported by OTLP."""

    requests: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        self.requests.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_spans_go_where_the_standard_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    try:
        recorder = start("orders", TracingSettings(trace_sampling=1))
        parent = recorder.admit(None, REQUEST)
        assert parent is not None
        with recorder.at_hand(recorder.begin("POST /orders", _server(), parent)):
            pass
        recorder.close()
    finally:
        server.shutdown()
        server.server_close()

    ((path, body),) = Collector.requests
    assert path == "/v1/traces"
    assert b"POST /orders" in body
    assert bytes.fromhex(REQUEST.replace("-", "")) in body


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("WITH step AS ( UPDATE orders SET x = 1 ) SELECT 1", "UPDATE orders"),
        ("SELECT a FROM products WHERE b", "SELECT products"),
        ("WITH a AS (SELECT * FROM unnest(1)) SELECT s FROM stock FOR UPDATE OF stock", "SELECT stock"),
        ("INSERT INTO inbox (id) VALUES (1)", "INSERT inbox"),
        ("BEGIN", "BEGIN"),
    ],
)
def test_a_statement_is_called_by_its_verb_and_table(statement: str, name: str) -> None:
    assert name_of(statement) == name


def _server() -> Any:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415

    return SpanKind.SERVER
