"""Pulses: every arm has its turn in each pair, no two stacks are loaded at once, and all generators keep one clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from loadtests.engine import interleaved_slices
from loadtests.engine.interleaved_slices import Pulse
from loadtests.load.generator import profile
from loadtests.load.generator.plan import Plan, TooLate, parse_plan

PULSES = [
    Pulse("monolith", "order", "orders-only", 50.0),
    Pulse("microservices", "order", "orders-only", 20.0),
    Pulse("monolith-twin", "order", "orders-only", 50.0),
]


def test_each_arm_has_one_turn_in_each_pair_and_the_seed_draws_the_order() -> None:
    slots = interleaved_slices.turns(PULSES, 20, seed=1)

    for pair in range(1, 21):
        assert sorted(slot.pulse.arm for slot in slots if slot.pair == pair) == sorted(one.arm for one in PULSES)
    assert slots == interleaved_slices.turns(PULSES, 20, seed=1)
    assert slots != interleaved_slices.turns(PULSES, 20, seed=2)


def test_requests_are_due_in_the_turns_of_their_arms_alone_and_evenly() -> None:
    slots = interleaved_slices.turns(PULSES, 5, seed=3)

    for pulse in PULSES:
        due = profile.due_times(profile.parse(interleaved_slices.profile_of(slots, pulse)), "constant", seed=1)
        for slot in slots:
            inside = [moment for moment in due if slot.at_s <= moment < slot.at_s + interleaved_slices.SLOT_S]
            assert len(inside) == (pulse.rate if slot.pulse == pulse else 0)
            assert all(moment < slot.at_s + interleaved_slices.ON_S for moment in inside)


def plan_of(*words: str, out: Path) -> Plan:
    nowhere = "http://127.0.0.1:1"
    return parse_plan(["--host", nowhere, "--tokens-from", nowhere, "--out", str(out), *words])


def test_a_load_begins_at_the_moment_that_was_said(tmp_path: Path) -> None:
    plan = plan_of("--begin-at", str(time.time() + 5), "--warm-up", "2", out=tmp_path)

    assert plan.until_measured_s(0.2) == pytest.approx(5, abs=0.5)


def test_a_load_that_could_not_begin_in_time_says_so(tmp_path: Path) -> None:
    plan = plan_of("--begin-at", str(time.time() + 1), "--warm-up", "3", out=tmp_path)

    with pytest.raises(TooLate, match=r"2\.\d s ago"):
        plan.until_measured_s(0.2)
