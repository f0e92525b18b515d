"""What commands say before they do something that somebody may not expect."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from twinshop import experiments, traces


def shop(name: str, *, up: bool = True, environment: dict[str, Any] | None = None) -> Any:
    """Return as much of a runner as a message needs."""
    status = SimpleNamespace(up=up, environment=environment or {})
    return SimpleNamespace(stack=SimpleNamespace(name=name), status=lambda: status)


def test_an_experiment_says_whose_orders_it_throws_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(experiments, "runner_for", lambda name: shop(name, up=name == "monolith"))

    experiments._warn_of_fresh_data()

    assert capsys.readouterr().out == "It starts shops afresh: orders in monolith, up now, are thrown away.\n"


def test_an_experiment_says_nothing_where_no_shop_is_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(experiments, "runner_for", lambda name: shop(name, up=False))

    experiments._warn_of_fresh_data()

    assert capsys.readouterr().out == ""


def test_a_latest_trace_says_how_old_it_is_where_tracing_is_off(capsys: pytest.CaptureFixture[str]) -> None:
    traces._say_how_old(shop("monolith"), 14 * 60)
    traces._say_how_old(shop("microservices", environment={"web": {"TRACE_SAMPLING": "1.0"}}), 14 * 60)

    assert capsys.readouterr().out == (
        "monolith: tracing is off; the latest order that was traced is 14 minutes old. "
        "`twinshop trace on` traces the next ones.\n"
    )
