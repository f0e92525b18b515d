"""Mysteries: each is a fault of both builds, is drawn by seed, kept sealed, asked about at a price, and judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.faults.vocabulary import FAULTS
from deploy.model.errors import DeployError
from deploy.model.home import Home
from workshop.gameday.plan import Strike
from workshop.mystery import play
from workshop.mystery.case import PAIR, Case, Desk, NoMystery, draw, read_answer
from workshop.mystery.mysteries import MYSTERIES, Mystery

NEEDS_WHO_BEGAN_IT = {"poison", "poison_message"}  # what ends with the command that injected it is no mystery


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Home(tmp_path))


def a_case(name: str = "disk-full orders", *builds: str) -> Case:
    return Case(name, builds or ("microservices",), 1, "2026-11-29T05:00:00+00:00")


@pytest.mark.parametrize("mystery", MYSTERIES.values(), ids=lambda one: one.name)
def test_a_mystery_is_a_fault_that_both_builds_have_and_tells_how_it_is_found_in_each(mystery: Mystery) -> None:
    strike = Strike(name=mystery.name, fault=mystery.fault, part=mystery.part, set=dict(mystery.parameters))

    assert strike.builds == PAIR
    assert {*mystery.clue} == {*PAIR}
    assert FAULTS[mystery.fault].injector not in NEEDS_WHO_BEGAN_IT
    assert FAULTS[mystery.fault].injector not in ("hold", "pause", "crash", "restart"), "`twinshop status` tells it"
    for hint in mystery.hints:
        assert mystery.fault not in hint


def test_there_are_ten_and_two_look_alike_and_differ_in_cause() -> None:
    alike = [one for one in MYSTERIES.values() if one.alike]

    assert len(MYSTERIES) == 10
    assert len(alike) == 2
    for one in alike:
        other = MYSTERIES[one.alike]
        assert other.alike == one.name
        assert (one.part, one.hints) == (other.part, other.hints)
        assert one.fault != other.fault
        assert one.clue != other.clue


def test_every_mystery_is_drawn_in_one_build_or_both_and_a_seed_draws_the_same_again() -> None:
    cases = {(case.name, case.builds) for case in (draw(seed, PAIR) for seed in range(400))}

    assert {name for name, _ in cases} == {*MYSTERIES}
    assert {builds for name, builds in cases if name == "drop catalog"} == {PAIR[:1], PAIR[1:], PAIR}
    assert {builds for name, builds in cases if name == "mail-slow"} == {PAIR}  # there is one mail server
    assert draw(20, PAIR).name == draw(20, PAIR).name == "disk-full orders"  # what lab 11 tells
    assert {case.builds for case in (draw(seed, ["monolith"]) for seed in range(50))} == {("monolith",)}


def test_what_is_kept_does_not_name_it(desk: Desk, tmp_path: Path) -> None:
    desk.keep(a_case())

    (path,) = tmp_path.rglob("*.json")
    text = path.read_text("utf-8")
    assert not any(word in text for word in ("disk", "full", "orders", "monolith", "microservices"))
    assert desk.open_case() == a_case()


@pytest.mark.parametrize(
    ("answer", "judged"),
    [
        ("disk-full orders microservices", (True, True)),
        ("services: disk-full".replace(":", "") + " orders-db", (True, True)),
        ("Disk-Full, orders, both", (True, False)),
        ("disk-full payments microservices", (False, True)),
        ("read-only orders microservices", (False, True)),
        ("mail-slow monolith", (False, False)),
    ],
)
def test_an_answer_is_judged_by_what_and_by_where(answer: str, judged: tuple[bool, bool]) -> None:
    assert a_case().judge(answer) == judged


def test_in_the_monolith_alone_its_one_process_and_its_one_database_are_right_names() -> None:
    assert a_case("disk-full orders", "monolith").judge("disk-full db monolith") == (True, True)
    assert a_case("tcp-latency catalog:sql", "monolith").judge("tcp-latency web:sql monolith") == (True, True)
    assert a_case("cpu-hog catalog", "monolith").judge("cpu-hog web monolith") == (False, True)
    assert a_case("provider-slow", "monolith").judge("provider-slow monolith") == (True, True)


@pytest.mark.parametrize(
    "answer",
    ["kill payments monolith", "", "it is slow", "disk-full", "monolith orders", "disk-full orders db monolith"],
)
def test_what_is_no_answer_costs_nothing_and_is_told_what_one_looks_like(desk: Desk, answer: str) -> None:
    desk.keep(a_case())

    with pytest.raises(DeployError, match="Name a fault, what it strikes, and where"):
        play.take(desk, [], answer, print)
    with pytest.raises(DeployError):
        read_answer(answer)

    assert desk.require().points == 100


def test_hints_and_wrong_answers_cost_points_and_hints_end(desk: Desk) -> None:
    desk.keep(a_case())
    lines: list[object] = []

    hints = [play.hint(desk) for _ in range(3)]
    right = play.take(desk, [], "read-only orders microservices", lines.append)

    assert hints[0].startswith("Hint 1 of 3, 15 points: ")
    assert not right
    assert lines == ["No. Right is in which build. That cost 20 points, 35 are left."]
    assert desk.require().points == 35
    with pytest.raises(NoMystery, match="no more hints"):
        play.hint(desk)


def test_a_right_answer_closes_the_case(desk: Desk) -> None:
    desk.keep(a_case())
    lines: list[object] = []

    assert play.take(desk, [], "disk-full orders services", lines.append)

    assert desk.open_case() is None
    assert "100 points" in str(lines[0])
    assert "read-only orders" in str(lines[-1])


def test_without_a_case_there_is_nothing_to_answer_and_beside_one_no_second_begins(desk: Desk) -> None:
    with pytest.raises(NoMystery, match="`twinshop mystery` begins one"):
        play.hint(desk)
    assert not desk.healed_by_hand()

    desk.keep(a_case())

    with pytest.raises(NoMystery, match="on already"):
        play.begin(desk, [], 1)
    assert desk.healed_by_hand()
    assert desk.require().healed
