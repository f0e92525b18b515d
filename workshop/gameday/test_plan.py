"""Plans of game days: those that ship, what is refused and how it is said, and what a seed draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.model.topology import stack
from workshop.gameday import reading
from workshop.gameday.plan import ANYWHERE, BUILDS, struck_by
from workshop.gameday.reading import BadPlan, parse

GOOD = """title: Ours
load:
  profile: 10x60
abort:
  - when: all answered < 50 %
steps:
  - name: payments die
    fault: kill
    part: payments
    at_s: 5
    for_s: 5
    expect: [browsing p99 < 300 ms]
"""


@pytest.mark.parametrize("path", reading.shipped(), ids=lambda path: path.stem)
def test_a_plan_that_ships_can_be_read_and_breaks_what_both_builds_have(path: Path) -> None:
    plan = reading.read(path)

    steps = plan.schedule()
    assert all(step.expected_of(build) for step in steps for build in step.builds), "something is not predicted"
    for step in steps:
        for build in step.builds:
            part, _ = struck_by(step, build)
            assert not part or stack(build, ANYWHERE).part(part)
    assert {build for step in steps for build in step.builds} == {*BUILDS}


def test_three_plans_ship() -> None:
    titles = {reading.read(path).title for path in reading.shipped()}

    assert titles == {"Black Friday", "The provider's bad day", "A network that lies"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("fault: kill", "fault: burn"), "line 7, steps.1: There is no fault 'burn'; there are crash, kill"),
        (("part: payments", "part: payment"), "no part 'payment'; it has db, web, edge"),
        (("    part: payments\n", ""), "kill needs a part"),
        (("for_s: 5", "for_s: soon"), "line 11, steps.1.for_s: input should be a valid number"),
        (("for_s: 5", "lasts_s: 5"), "line 11, steps.1.lasts_s: there is no such field; allowed are name, fault"),
        (("at_s: 5", "at_s: 58"), "healed at 63 s, and the load has ended at 60 s"),
        (("10x60", "10 for 60"), "line 3, load.profile: '10 for 60' is neither RATExSECONDS"),
        (("browsing p99", "browsing speed"), "line 12, steps.1.expect.both.1: 'browsing speed < 300 ms' is no condit"),
        (("all answered < 50 %", "all answered < 50 ms"), "line 5, abort.1.when: 'all answered < 50 ms': answered is"),
        (("    fault: kill", "    fault: provider-slow\n    set: {s: 3}"), "provider-slow has ms, not s"),
        (("  profile: 10x60", "  profile: 10x60\n  mix: everything"), "line 4, load.mix: input should be 'browsing'"),
        (("title: Ours\n", ""), "title: it is missing"),
        (("  - name: payments die", "   - name: [a"), "this is no YAML"),
        (("kill", "broker-away"), "the monolith has no broker: `builds: [microservices]`"),
    ],
)
def test_an_error_names_line_and_field_and_what_is_allowed(change: tuple[str, str], message: str) -> None:
    with pytest.raises(BadPlan) as refused:
        parse(GOOD.replace(*change))

    assert message in str(refused.value)


def test_two_faults_that_would_heal_each_other_are_refused_and_others_overlap() -> None:
    def beside(fault: str, more: str) -> str:
        return GOOD + f"  - name: second\n    fault: {fault}\n    at_s: 8\n    for_s: 5\n{more}"

    assert len(parse(beside("mail-slow", "")).schedule()) == 2
    with pytest.raises(BadPlan, match="'payments die' and 'second' strike the same thing"):
        parse(beside("pause", "    part: payments\n"))
    with pytest.raises(BadPlan, match="strike the same thing"):  # one process in the monolith
        parse(beside("tcp-reset", "    part: catalog:sql\n"))
    assert parse(beside("tcp-reset", "    part: catalog:sql\n    builds: [microservices]\n"))


def test_the_same_seed_draws_the_same_faults_and_none_undoes_another() -> None:
    plan = reading.read(reading.find("a-network-that-lies"))

    one, same, other = plan.schedule(), plan.schedule(plan.seed), plan.schedule(5)

    assert one == same != other
    assert len(other) == len(plan.steps) + 4
    for step in other:
        assert step.ends_s <= plan.load.duration_s


def test_a_slower_pace_stretches_times_and_leaves_rates() -> None:
    plan = parse(GOOD).at_pace(2)

    assert plan.load.profile == "10x120"
    assert [(step.at_s, step.for_s) for step in plan.schedule()] == [(10, 10)]


def test_a_plan_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(BadPlan, match="a-network-that-lies, black-friday, the-providers-bad-day"):
        reading.find("white-friday")
