"""Experiments that break things: what they conclude from what they saw, and that a timeline always heals."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.faults.vocabulary import FAULTS
from deploy.model.errors import DeployError
from loadtests.engine import timeline
from loadtests.engine.registry import find
from loadtests.engine.timeline import NOTHING, Episode, Timeline
from loadtests.experiments import blast_radius, deploy, spike
from loadtests.experiments.blast_radius import findings
from loadtests.experiments.deploy.touched import touched_by
from loadtests.experiments.resilience import findings as outcomes
from loadtests.load.generator.record import Row
from loadtests.measure.impact import ACTS, FaultWindow


class FakeLoad:
    """Stands for a load of so many seconds: who waits goes on at once, and it is later."""

    began_at = 100.0

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lasts_s: float = 1000) -> None:
        self.now_s, self.lasts_s = 0.0, lasts_s
        monkeypatch.setattr(timeline, "time", self)

    def monotonic(self) -> float:
        return self.began_at + self.now_s

    def wait_until(self, second: float) -> bool:
        self.now_s = max(self.now_s, min(second, self.lasts_s))
        return second < self.lasts_s


class Injections:
    """Stands for deploy.faults: remembers what was broken and healed, and when."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, load: FakeLoad, error: Exception | None = None) -> None:
        self.said: list[str] = []

        @contextlib.contextmanager
        def during(_runner: Any, name: str, part: str, _parameters: Any, turn: Any) -> Iterator[Any]:
            assert not hasattr(turn, "locked"), "one timeline alone waits for nobody"
            if error is not None:
                raise error
            self.said.append(f"break {name} {part} at {load.now_s:.0f}")
            injected = type("Injected", (), {"healing_at": 0.0, "healed_at": 0.0})()
            yield injected
            injected.healing_at = injected.healed_at = load.monotonic()
            self.said.append(f"heal {name} {part} at {load.now_s:.0f}")

        monkeypatch.setattr(timeline, "during", during)


def beside(load: FakeLoad, *episodes: Episode) -> Timeline:
    """Return the timeline after it ran beside the load."""
    line: Any = Timeline(None, episodes)  # type: ignore[arg-type]
    line(load)
    return line  # type: ignore[no-any-return]


def test_a_timeline_breaks_and_heals_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    load = FakeLoad(monkeypatch)
    injections = Injections(monkeypatch, load)

    line = beside(load, Episode("one", "kill", 5, 10, "payments"), Episode("two", NOTHING, 20, 7))

    assert injections.said == ["break kill payments at 5", "heal kill payments at 15"]
    assert line.windows == [FaultWindow("one", 5, 5, 15, 15), FaultWindow("two", 20, 20, 27, 27)]
    assert line.healed_at == 127


def test_a_load_that_ends_early_heals_at_once_and_breaks_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    load = FakeLoad(monkeypatch, lasts_s=10)
    injections = Injections(monkeypatch, load)

    beside(load, Episode("one", "pause", 0, 60, "payments"), Episode("two", "kill", 70, 5, "payments"))

    assert injections.said == ["break pause payments at 0", "heal pause payments at 10"]


def test_a_fault_that_cannot_be_injected_ends_the_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    load = FakeLoad(monkeypatch)
    Injections(monkeypatch, load, DeployError("no such part"))

    with pytest.raises(DeployError, match="no such part"):
        beside(load, Episode("one", "pause", 0, 1, "nobody"))


def test_every_break_is_a_fault_with_its_own_parameters() -> None:
    broken = [one for one in blast_radius.BREAKS if one.fault != NOTHING]

    assert {one.fault for one in broken} >= {"kill", "cpu-hog", "poison-request"}
    assert [one.name for one in broken if not set(one.parameters) <= set(FAULTS[one.fault].parameters)] == []


@pytest.mark.parametrize("name", ["blast-radius", "resilience", "deploy"])
def test_the_docstrings_say_what_is_asked_and_expected(name: str) -> None:
    plan = find(name).plan

    assert plan["question"].endswith("?")
    assert plan["hypothesis"]


def effect(share: float, before_ms: float = 10, during_ms: float = 10) -> dict[str, Any]:
    """What became of one act."""
    return {"available_during": share, "p99_before_ms": before_ms, "p99_during_ms": during_ms}


def impact(arm: str, fault: str, share: float, **others: Any) -> dict[str, Any]:
    """What a fault did, the same to all acts."""
    whole = {
        "arm": arm,
        "fault": fault,
        "acts": {act: effect(share) for act in ACTS},
        "no_payment": effect(share),
        "lasted_s": 30.0,
    }
    return whole | {"first_good_order_s": 1.0, "books_closed_s": 10.0, "void": False} | others


def test_isolation_is_claimed_only_where_it_was_measured() -> None:
    down, up = impact("monolith", "payments-killed", 0.0), impact("microservices", "payments-killed", 1.0)

    assert findings.claims([down, up])["C1"][0] == "supported"
    assert findings.claims([up | {"arm": "monolith"}, up])["C1"][0] == "refuted"
    assert findings.claims([up])["C1"][0] == "not measured"


def test_a_missed_figure_is_said_on_top() -> None:
    late = impact("microservices", "payments-killed", 1.0, first_good_order_s=9.0)

    missed = [row["figure"] for row in findings.targets([late]) if not row["met"]]

    assert missed == ["microservices, payments-killed: first good order, s after healing"]
    assert "1 promised" in findings.answer([late])[1]


def orders(codes: dict[int, str]) -> list[Row]:
    """One order each second, with these codes from that second on."""
    rows, code = [], ""
    for second in range(60):
        code = codes.get(second, code)
        rows.append(Row(second, second, second, 10, 10, "order", "POST /orders", 201, code, "ok"))
    return rows


def test_goodput_tells_who_came_back() -> None:
    back = orders({0: "confirmed", 10: "payment_pending", 20: "confirmed"})
    down = orders({0: "confirmed", 10: "payment_pending"})

    assert outcomes.goodput(back, 10, 16, 60)["came_back"]
    assert outcomes.goodput(down, 10, 16, 60)["stayed_down"]
    assert outcomes.goodput(down, 10, 16, 60)["accepted_end"] == 1.0


def test_an_arm_that_was_down_before_the_trigger_proves_nothing() -> None:
    down = outcomes.goodput(orders({0: "payment_pending"}), 10, 16, 60) | {"void": False, "arm": "naive-retries"}
    back = outcomes.goodput(orders({0: "confirmed"}), 10, 16, 60) | {"void": False, "arm": "budgeted-retries"}
    for one in (down, back):
        one |= {"calls_to_payments_per_order": 1.0, "trigger": [10, 16]}

    assert not down["stayed_down"]
    assert not outcomes.judged(back | {"void": True})
    assert outcomes.verdict([down, back])[0] == "not measured"
    assert "before the trigger" in outcomes.answer([down, back])[-1]
    assert len(outcomes.answer([down, back | {"void": True}])) == 3  # as many as a result may have


def test_a_change_of_one_service_touches_one_image_and_a_shared_rule_all_of_them() -> None:
    one = touched_by("microservices/payments/charges.py", "microservices")
    rule = touched_by("shared/domain/payment.py", "microservices")

    assert one.images == ("microservices/payments/Dockerfile",)
    assert len(rule.images) == 4
    assert touched_by("monolith/payments/charges.py", "monolith").images == ("monolith/Dockerfile",)
    assert 0 < one.unit_tests < rule.unit_tests


def test_rollouts_name_files_that_exist() -> None:
    for rollout in deploy.ROLLOUTS:
        assert touched_by(rollout.change, rollout.build).lines > 0


def row_at(second: float, latency_ms: float = 5.0, outcome: str = "ok", status: int = 200) -> Row:
    return Row(0, second, second, latency_ms, latency_ms, "list", "GET /products", status, "", outcome)  # type: ignore[arg-type]


def test_a_shop_is_back_when_it_answers_in_time_for_three_seconds() -> None:
    form = spike.Form(before_s=2, crowd_s=2, after_s=6)
    slow = {2: 900.0, 3: 900.0, 4: 400.0, 6: 400.0}  # second 5 is a good one between two bad ones
    rows = [row_at(second + 0.5, slow.get(second, 5.0)) for second in range(10)]

    assert spike.spike_of(rows, 0, form)["back_after_s"] == 3
    assert spike.spike_of(rows[:9], 0, form)["back_after_s"] is None


def test_what_was_not_sent_and_what_was_refused_is_lost() -> None:
    form = spike.Form(before_s=1, crowd_s=2, after_s=3)
    rows = [row_at(0.5, outcome="error"), row_at(1.5), row_at(2.5, outcome="error", status=429)]

    crowd = spike.spike_of(rows, 4, form)

    assert (crowd["asked"], crowd["lost"], crowd["refused"], crowd["failed"], crowd["not_sent"]) == (6, 5, 1, 0, 4)
