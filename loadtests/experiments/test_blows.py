"""Blows are repeatable, never strike the edge, and the recovery after them is counted from the client's history."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

from deploy.model.parts import Part, Probe
from loadtests.experiments.blows import DECK, DECK_S, Blow, Stroke, first_good_orders, volleys
from loadtests.experiments.chaos_findings import aimed_at, dealt, spread
from loadtests.load.generator.history import OrderCall

PROBE = Probe("http", "http")
PARTS = [
    Part(name, kind, (), {}, PROBE)
    for name, kind in (("edge", "envoy"), ("web", "app"), ("db", "postgres"), ("broker", "nats"))
]


def order(sent_at: float, answered_at: float, status: int) -> OrderCall:
    return OrderCall("place", sent_at, answered_at, "ada", "key", {}, "id", status, "", "")


def strokes(seed: int, parts: list[Part], count: int) -> list[tuple[float, list[Stroke]]]:
    return list(islice(volleys(random.Random(seed), parts), count))


def test_the_same_seed_deals_the_same_blows() -> None:
    assert strokes(7, PARTS, 50) == strokes(7, PARTS, 50)
    assert strokes(7, PARTS, 50) != strokes(8, PARTS, 50)


def test_a_deck_has_its_share_of_every_kind_and_never_strikes_the_edge() -> None:
    one_deck = [stroke for due_s, volley in strokes(3, PARTS, 60) if due_s < DECK_S for stroke in volley]

    assert Counter(stroke.kind for stroke in one_deck) == DECK
    assert {stroke.part for stroke in one_deck} == {"web", "db", "broker"}


def test_without_a_broker_none_is_struck() -> None:
    every = [stroke for _, volley in strokes(1, PARTS[:3], 100) for stroke in volley]

    assert {stroke.kind for stroke in every} == set(DECK) - {"broker"}


def test_a_volley_strikes_several_parts_and_none_twice() -> None:
    every = [volley for _, volley in strokes(1, PARTS, 100)]

    assert {len(volley) for volley in every} == {1, 2, 3}
    assert all(len({stroke.part for stroke in volley}) == len(volley) for volley in every)


def test_volleys_follow_each_other_in_time() -> None:
    moments = [due_s for due_s, _ in strokes(1, PARTS, 100)]

    assert moments == sorted(moments)


def test_the_first_good_order_is_one_that_was_sent_when_the_part_was_back() -> None:
    blows = [
        Blow("kill", "web", 10.0, 12.0, 0),
        Blow("pause", "web", 14.0, 15.0, 1),
        Blow("database", "db", 90.0, 95.0, 2),
    ]
    calls = [order(11.9, 12.1, 201), order(12.1, 12.2, 503), order(12.5, 12.75, 202), order(13.0, 13.1, 201)]

    assert first_good_orders(blows, calls) == [0.75]


def test_after_a_volley_the_wait_counts_from_when_all_of_it_is_back_once_for_each_kill() -> None:
    blows = [Blow("kill", "web", 10.0, 11.0, 4), Blow("database", "db", 10.2, 12.0, 4)]
    calls = [order(11.5, 11.6, 201), order(12.5, 13.0, 201)]

    assert first_good_orders(blows, calls) == [1.0, 1.0]


def test_a_volley_of_which_a_part_never_came_back_has_no_recovery_to_count() -> None:
    blows = [Blow("kill", "web", 10.0, 11.0, 4), Blow("database", "db", 10.2, 0.0, 4)]

    assert first_good_orders(blows, [order(12.5, 13.0, 201)]) == []


def test_what_was_not_reached_is_told_and_a_broker_is_not_asked_of_the_monolith() -> None:
    done = {"orders": 10_000, "kills": 200, "database_restarts": 30, "broker_restarts": 30}

    assert aimed_at([{"build": "monolith", **done, "broker_restarts": 0}]) == "That is as much as was aimed at."
    assert "microservices 120 of 200 kills -9" in aimed_at([{"build": "microservices", **done, "kills": 120}])


def test_what_was_dealt_is_counted_by_kind() -> None:
    counts = dealt([Blow("kill", "web", 1, 2), Blow("broker", "broker", 3, 0.0)])

    assert (counts["kills"], counts["broker_restarts"], counts["never_back"]) == (1, 1, 1)


def test_waits_are_told_by_their_ends() -> None:
    assert spread([]) == {}
    assert spread([0.1, 0.2, 3.0]) == {"count": 3.0, "p50": 0.2, "p99": 3.0, "max": 3.0}
