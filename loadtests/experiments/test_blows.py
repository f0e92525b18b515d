"""Blows are repeatable, never strike the edge, and the recovery after them is counted from the client's history."""

from __future__ import annotations

import random

from deploy.parts import Part, Probe
from loadtests.experiments.blows import Blow, choose, first_good_orders
from loadtests.experiments.chaos import dealt, spread
from loadtests.generator.history import OrderCall

PROBE = Probe("http", "http")
PARTS = [
    Part(name, kind, (), {}, PROBE)
    for name, kind in (("edge", "envoy"), ("web", "app"), ("db", "postgres"), ("broker", "nats"))
]


def order(sent_at: float, answered_at: float, status: int) -> OrderCall:
    return OrderCall("place", sent_at, answered_at, "ada", "key", {}, "id", status, "", "")


def test_the_same_seed_deals_the_same_blows() -> None:
    first, second = random.Random(7), random.Random(7)

    blows = [choose(first, PARTS) for _ in range(50)]

    assert blows == [choose(second, PARTS) for _ in range(50)]
    assert {part.name for _, part in blows} == {"web", "db", "broker"}


def test_without_a_broker_none_is_struck() -> None:
    chance = random.Random(1)

    assert all(choose(chance, PARTS[:3])[0] != "broker" for _ in range(100))


def test_the_first_good_order_is_one_that_was_sent_when_the_part_was_back() -> None:
    blows = [Blow("kill", "web", 10.0, 12.0), Blow("pause", "web", 14.0, 15.0), Blow("database", "db", 90.0, 95.0)]
    calls = [order(11.9, 12.1, 201), order(12.1, 12.2, 503), order(12.5, 12.75, 202), order(13.0, 13.1, 201)]

    assert first_good_orders(blows, calls) == [0.75]


def test_what_was_dealt_is_counted_by_kind() -> None:
    counts = dealt([Blow("kill", "web", 1, 2), Blow("broker", "broker", 3, 0.0)])

    assert (counts["kills"], counts["broker_restarts"], counts["never_back"]) == (1, 1, 1)


def test_waits_are_told_by_their_ends() -> None:
    assert spread([]) == {}
    assert spread([0.1, 0.2, 3.0]) == {"count": 3.0, "p50": 0.2, "p99": 3.0, "max": 3.0}
