"""What was spent is the difference of two readings, and a part that started anew is not counted backwards."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from deploy.runner.interface import PartStats, Runner
from loadtests.measure import accounting
from loadtests.measure.accounting import Reading
from shared.platform.metrics import Metrics


def reading(at_s: float, cpu_s: dict[str, float], restarts: dict[str, int] | None = None) -> Reading:
    """A reading without memory."""
    return Reading(at_s, cpu_s, {part: (restarts or {}).get(part, 0) for part in cpu_s})


def test_spent_is_the_difference_by_part() -> None:
    spent = accounting.between(reading(10, {"web": 1.0, "db": 2.0}), reading(20, {"web": 1.5, "db": 2.25}))

    assert spent.cpu_ms == {"web": pytest.approx(500), "db": pytest.approx(250)}
    assert spent.per(100) == pytest.approx(7.5)
    assert spent.cores == pytest.approx(0.075)
    assert spent.restarted == ()


def test_no_unit_of_work_has_no_cost_per_unit() -> None:
    spent = accounting.between(reading(0, {"web": 0.0}), reading(1, {"web": 1.0}))

    assert spent.per(0) is None


def test_a_restarted_part_is_named_and_never_negative() -> None:
    spent = accounting.between(reading(0, {"web": 9.0, "db": 1.0}), reading(5, {"web": 0.5, "db": 1.0}, {"web": 1}))

    assert spent.restarted == ("web",)
    assert spent.cpu_ms["web"] == pytest.approx(500)


def test_a_part_that_came_by_scaling_counts_from_its_start() -> None:
    spent = accounting.between(reading(0, {"web": 1.0}), reading(5, {"web": 1.0, "extra": 0.25}))

    assert spent.cpu_ms["extra"] == pytest.approx(250)
    assert spent.restarted == ()


def test_one_rss_among_the_parts_makes_memory_an_rss() -> None:
    class Stats:
        def stats(self, *, memory: bool) -> list[PartStats]:
            kinds = ("pss", "rss")
            return [PartStats(1.0, 3_000_000, kind, 1, f"p{i}", 1, 0) for i, kind in enumerate(kinds) if memory]

    taken = accounting.take(cast(Runner, Stats()), memory=True)

    assert taken.memory_kind == "rss"
    assert taken.memory_mb == {"p0": 3.0, "p1": 3.0}
    assert taken.taken_at <= time.monotonic()


def test_the_counters_of_our_own_metrics_are_found_under_their_names() -> None:
    metrics = Metrics()
    assert isinstance(metrics.registry, CollectorRegistry)
    for counter in cast(Any, (metrics.db_statements, metrics.db_commits, metrics.mails_sent)):
        counter.inc(3)
    metrics.calls.labels(peer="catalog", outcome="ok").inc(2)
    metrics.calls.labels(peer="payments", outcome="ok").inc(1)
    metrics.events_published.labels(type="order.confirmed").inc(4)

    counts = accounting.read_counters(metrics.render().decode())

    assert counts["db_statements"] == counts["db_commits"] == counts["mails_sent"] == 3
    assert counts["calls"] == 3
    assert counts["calls to catalog"] == 2
    assert counts["events_published"] == 4


def test_counters_grow_from_what_they_were() -> None:
    before = {"web": accounting.read_counters("db_statements_total 5\n")}
    after = {"web": accounting.read_counters("db_statements_total 9\n")}

    assert accounting.counted_between(before, after) == {"web": {"db_statements": 4}}


def test_an_idle_stack_is_watched_over_time() -> None:
    class Ticking:
        cpu_s = 1.0

        def stats(self, *, memory: bool) -> list[PartStats]:
            self.cpu_s += 0.001
            return [PartStats(self.cpu_s, 50_000_000, "pss", 1, "web", 1, 0)]

    found = accounting.idle({"monolith": cast(Runner, Ticking())}, seconds=0.1)

    assert 0.005 < found["monolith"]["cores"] <= 0.0101
    assert found["monolith"]["memory_mb"] == 50.0
