"""A watch notes when a fact first held, and says for whom it never did."""

from __future__ import annotations

import time
from collections.abc import Iterable

from loadtests.measure.agreement import Watch, summary


def test_a_fact_that_holds_later_is_timed_from_the_answer() -> None:
    answered_at = time.time()
    holds_from = answered_at + 0.1

    def holds(order_ids: list[str]) -> Iterable[str]:
        return order_ids if time.time() >= holds_from else []

    watch = Watch(holds)
    watch.add("one", answered_at)

    assert watch.end(within_s=5) == 0
    assert 100 <= watch.lags_ms[0] <= (time.time() - answered_at) * 1000


def test_a_fact_that_never_holds_is_counted_and_not_timed() -> None:
    watch = Watch(lambda order_ids: [order_id for order_id in order_ids if order_id != "lost"])
    watch.add("lost", time.time())
    watch.add("found", time.time())

    assert watch.end(within_s=0.2) == 1
    assert len(watch.lags_ms) == 1


def test_the_summary_keeps_percentiles() -> None:
    figures = summary([1.0] * 98 + [50.0, 80.0])

    assert figures["count"] == 100
    assert figures["p50"] < 1.1
    assert figures["max"] > 79
