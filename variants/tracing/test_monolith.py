"""With tracing on an order leaves a span for each call between modules; a request that is not kept leaves none."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monolith.config import Settings
from monolith.migrations import migrate
from shared.domain.ids import new_id
from shared.platform import tracing
from tests.monolith_stage import SECRET, Shop, open_shop
from variants.tracing import monolith
from variants.tracing.recording import close_all
from variants.tracing.replacing import restored

BODY = {"lines": [{"sku": "ARMCHAIR", "quantity": 1}], "payment_method": "pm_ok"}


@pytest.fixture
def settings(monolith_database_url: str) -> Settings:
    """Settings of a shop whose database has its schema."""
    migrate(monolith_database_url)
    return Settings(twinshop_mode="local", database_url=monolith_database_url, webhook_secret=SECRET)


@pytest.fixture
def traced_shop(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Shop, Path]]:
    """A shop that keeps half of all traces, and where."""
    monkeypatch.setenv("TRACE_SAMPLING", "0.5")
    monkeypatch.setenv("TRACE_DIR", str(tmp_path))
    with restored():
        monolith.watch()
        with open_shop(settings) as shop:
            shop.stocks("ARMCHAIR")
            monolith.traced(shop.app)
            yield shop, tmp_path / "monolith.0.jsonl"
    close_all()


def spans_of(path: Path, request_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if line["trace"] == request_id.replace("-", "")]


def ask(shop: Shop, request_id: str, **headers: str) -> Any:
    headers |= {"Authorization": "Bearer ada", "Idempotency-Key": new_id(), tracing.HEADER: request_id}
    return shop.app.test_client().post("/orders", json=BODY, headers=headers)


def test_an_order_leaves_a_span_for_each_call_between_modules(traced_shop: tuple[Shop, Path]) -> None:
    shop, path = traced_shop
    answer = ask(shop, "6f1c9f0e-3a2b-4c5d-8e00-12345678901a")
    close_all()

    spans = spans_of(path, "6f1c9f0e-3a2b-4c5d-8e00-12345678901a")
    (root,) = [span for span in spans if not span["parent"]]
    facades = [span for span in spans if span["parent"] == root["span"] and span["kind"] == "internal"]
    assert (root["name"], root["attributes"]["twinshop.part"]) == ("POST /orders", "orders")
    assert [span["name"] for span in sorted(facades, key=lambda span: span["start_ns"])] == [
        "catalog.reserve", "payments.record", "payments.charge", "payments.record_result", "catalog.sell",
        "notifications.enqueue", "notifications.dispatch",
    ]  # fmt: skip
    assert {span["attributes"]["twinshop.order_id"] for span in facades} == {answer.json["id"]}
    assert "POST provider" in {span["name"] for span in spans}
    assert answer.headers["traceresponse"].split("-")[2] == root["span"]


def test_a_request_that_is_not_kept_leaves_nothing(traced_shop: tuple[Shop, Path]) -> None:
    shop, path = traced_shop
    answer = ask(shop, "6f1c9f0e-3a2b-4c5d-8eff-12345678901a")
    ask(shop, "6f1c9f0e-3a2b-4c5d-8e00-12345678901a")
    close_all()

    traces = {json.loads(line)["trace"] for line in path.read_text("utf-8").splitlines()}
    assert "traceresponse" not in answer.headers
    assert traces == {"6f1c9f0e3a2b4c5d8e0012345678901a"}  # only of the request that is kept


def test_a_parent_that_is_kept_is_followed_whatever_the_share(traced_shop: tuple[Shop, Path]) -> None:
    shop, path = traced_shop
    trace, span = uuid.uuid4().hex, "00f067aa0ba902b7"
    ask(shop, "6f1c9f0e-3a2b-4c5d-8eff-12345678901a", traceparent=f"00-{trace}-{span}-01")
    close_all()

    assert span in {one["parent"] for one in spans_of(path, trace)}
