"""Faults are repeatable, never hit the edge, and the recovery after them is counted from the client's history."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

from deploy.faults.vocabulary import FAULTS
from deploy.model.parts import Part, Probe
from loadtests.experiments.chaos.findings import aimed_at, counts, spread
from loadtests.experiments.chaos.schedule import (
    DECK,
    DECK_S,
    TROUBLES,
    Fault,
    PlannedFault,
    Recovery,
    bursts,
    recoveries,
)
from loadtests.load.generator.history import OrderCall

PROBE = Probe("http", "http")
ADDRESSES = {"DATABASE_URL": "postgresql://monolith@127.0.0.1:5432/monolith", "PROVIDER_URL": "http://127.0.0.1:18401"}
PARTS = [
    Part(name, kind, (), {}, PROBE, ADDRESSES)
    for name, kind in (("edge", "envoy"), ("web", "app"), ("db", "postgres"), ("broker", "nats"))
]


def order(sent_at: float, answered_at: float, status: int) -> OrderCall:
    return OrderCall("place", sent_at, answered_at, "ada", "key", {}, "id", status, "", "")


def planned(seed: int, parts: list[Part], count: int) -> list[tuple[float, list[PlannedFault]]]:
    return list(islice(bursts(random.Random(seed), parts), count))


def test_the_same_seed_plans_the_same_faults() -> None:
    assert planned(7, PARTS, 50) == planned(7, PARTS, 50)
    assert planned(7, PARTS, 50) != planned(8, PARTS, 50)


def test_a_deck_has_its_share_of_every_kind_and_never_hits_the_edge() -> None:
    one_deck = [fault for due_s, burst in planned(3, PARTS, 60) if due_s < DECK_S for fault in burst]

    assert Counter(fault.kind for fault in one_deck) == DECK
    assert {fault.part for fault in one_deck} == {"web", "db", "broker", "web:sql", "web:provider"}


def test_without_a_broker_none_is_hit() -> None:
    every = [fault for _, burst in planned(1, PARTS[:3], 100) for fault in burst]

    assert {fault.kind for fault in every} == set(DECK) - {"broker"}


def test_a_burst_hits_several_parts_and_none_twice() -> None:
    every = [burst for _, burst in planned(1, PARTS, 100)]

    assert {len(burst) for burst in every} == {1, 2, 3}
    assert all(len({fault.part.partition(":")[0] for fault in burst}) == len(burst) for burst in every)


def test_the_network_fails_as_the_vocabulary_of_faults_says() -> None:
    every = [fault for _, burst in planned(1, PARTS, 200) for fault in burst if fault.kind == "network"]

    assert {(fault.trouble, *fault.parameters.items()) for fault in every} == {
        (name, *parameters.items()) for name, parameters in TROUBLES
    }
    assert all(set(parameters) <= set(FAULTS[name].parameters) for name, parameters in TROUBLES)


def test_bursts_follow_each_other_in_time() -> None:
    moments = [due_s for due_s, _ in planned(1, PARTS, 100)]

    assert moments == sorted(moments)


def test_the_first_good_order_is_one_that_was_sent_when_the_part_was_back() -> None:
    faults = [
        Fault("kill", "web", 10.0, 12.0, 0),
        Fault("pause", "web", 14.0, 15.0, 1),
        Fault("network", "web:sql", 14.0, 15.0, 1),
        Fault("database", "db", 90.0, 95.0, 2),
    ]
    calls = [order(11.9, 12.1, 201), order(12.1, 12.2, 503), order(12.5, 12.75, 202), order(13.0, 13.1, 201)]

    assert recoveries(faults, calls) == [Recovery(0.75, struck_again=False)]


def test_after_a_burst_the_wait_counts_from_when_all_of_it_is_back_once_for_each_kill() -> None:
    faults = [Fault("kill", "web", 10.0, 11.0, 4), Fault("database", "db", 10.2, 12.0, 4)]
    calls = [order(11.5, 11.6, 201), order(12.5, 13.0, 201)]

    assert recoveries(faults, calls) == [Recovery(1.0, struck_again=False)] * 2


def test_a_burst_of_which_a_part_never_came_back_has_no_recovery_to_count() -> None:
    faults = [Fault("kill", "web", 10.0, 11.0, 4), Fault("database", "db", 10.2, 0.0, 4)]

    assert recoveries(faults, [order(12.5, 13.0, 201)]) == []


def test_what_is_down_again_before_the_first_good_order_is_not_counted_and_told() -> None:
    faults = [Fault("kill", "web", 10.0, 12.0, 0), Fault("kill", "web", 12.5, 20.0, 1)]
    calls = [order(12.1, 12.6, 504), order(20.25, 20.5, 201)]

    assert recoveries(faults, calls) == [Recovery(1.0, struck_again=True), Recovery(0.5, struck_again=False)]


def test_what_was_not_reached_is_told_and_a_broker_is_not_asked_of_the_monolith() -> None:
    counts = {"orders": 10_000, "kills": 200, "database_restarts": 30, "broker_restarts": 30}

    assert aimed_at([{"build": "monolith", **counts, "broker_restarts": 0}]) == "That is as much as was aimed at."
    assert "microservices 120 of 200 kills -9" in aimed_at([{"build": "microservices", **counts, "kills": 120}])


def test_what_was_injected_is_counted_by_kind() -> None:
    counted = counts([Fault("kill", "web", 1, 2), Fault("broker", "broker", 3, 0.0)])

    assert (counted["kills"], counted["broker_restarts"], counted["never_back"]) == (1, 1, 1)


def test_waits_are_told_by_their_ends() -> None:
    assert spread([]) == {}
    assert spread([0.1, 0.2, 3.0]) == {"count": 3.0, "p50": 0.2, "p99": 3.0, "max": 3.0}
