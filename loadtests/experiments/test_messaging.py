"""Messaging names what a call costs and what it buys only where the runs show it."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.experiments.messaging import ARMS, by_second, findings
from loadtests.load.generator.record import Row

MAIL_MS = 2000.0


def one(arm: str, *, slow_ms: float, lag_ms: float, before: float = 1.0, void: bool = False) -> dict[str, Any]:
    """A run whose orders took 20 ms before and `slow_ms` while the mail server was slow."""
    acts = {
        name: {"available_before": before, "available_during": 1.0, "p50_before_ms": 20.0, "p50_during_ms": slow_ms}
        for name in ("buy", "browse")
    }
    lag = {"p50": lag_ms, "count": 30}
    rounds = {
        "arm": arm, "run": 1, "void": void, "reconciled": True, "acts": acts, "slow": [2.0, 4.0],
        "due_by_second": [10] * 6, "good_by_second": [10, 10, 5, 0, 10, 10],
        "slow_mail_lags_ms": {"p50": lag_ms}, "cpu_ms_per_order": 12.0,
        "lags_ms": {"stock sold": lag, "mail received": lag},
    }  # fmt: skip
    return rounds | {"good_during": findings.good_during(rounds)}


def all_arms(**call: float) -> list[dict[str, Any]]:
    """Events that nobody notices, and calls as given."""
    how = {"event": {"slow_ms": 21.0, "lag_ms": 150.0}, "call": {"slow_ms": 2020.0, "lag_ms": 8.0} | call}
    return [one(arm.name, **how[arm.name.rpartition("-")[2]]) for arm in ARMS]


def test_both_have_their_place_if_calls_agree_at_once_and_events_isolate() -> None:
    verdict, evidence = findings.verdict(all_arms(), MAIL_MS)

    assert verdict == "supported"
    assert "2,020 ms with slow mail" in evidence


@pytest.mark.parametrize("call", [{"slow_ms": 40.0}, {"lag_ms": 120.0}])
def test_a_call_that_costs_or_buys_nothing_shows_no_place(call: dict[str, float]) -> None:
    assert findings.verdict(all_arms(**call), MAIL_MS)[0] == "not shown"


def test_a_run_that_is_void_or_was_not_well_before_is_no_evidence() -> None:
    rounds = [
        one("monolith-event", slow_ms=9, lag_ms=9, void=True),
        one("monolith-call", slow_ms=9, lag_ms=9, before=0),
    ]

    assert findings.verdict(rounds, MAIL_MS)[0] == "not measured"


def test_books_that_are_wrong_are_named() -> None:
    rounds = all_arms()
    rounds[1]["reconciled"] = False

    answer = findings.answer(rounds, MAIL_MS)

    assert "The books are wrong after run 1 (monolith-call)" in answer[-1]
    assert len(answer) <= 3  # what a result takes


def test_an_order_that_took_longer_than_good_time_is_due_and_not_good() -> None:
    def order(due_s: float, latency_ms: float, code: str = "confirmed") -> Row:
        return Row(0, due_s, due_s, latency_ms, latency_ms, "order", "POST /orders", 201, code, "ok")

    rows = [order(0.5, 20), order(1.5, 3100), order(1.6, 30), order(1.7, 30, "payment_pending"), order(-1, 20)]

    assert by_second(rows, 3) == {"due_by_second": [1, 3, 0], "good_by_second": [1, 1, 0]}


def test_goodput_is_that_of_the_slow_seconds() -> None:
    assert findings.good_during(one("monolith-call", slow_ms=9, lag_ms=9)) == 0.25
