"""Rounds of variants: all begin alike, what was set before is given back, and warming rounds do not count."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from loadtests.engine.ablation import Ablation, Variant, Work
from loadtests.engine.declaration import Conclusion
from loadtests.engine.factor import Factor, Point
from loadtests.engine.rounds import Rounds, chosen_of
from loadtests.engine.study import Study

CHANGED = {"orders": {"SETTING": "1"}}
DECLARED = Ablation(
    variants=(
        Variant("plain", "shop", "as it is"),
        Variant("changed", "shop", "with a setting", lambda _: CHANGED),
        Variant("rare", "shop", "in every other round", rarely=True),
    ),
    works=(Work("order", 1.0, rate=1.0), Work("list", 1.0, rate=1.0, variants=("plain",))),
    contrasts=(),
    conclude=lambda _, __: Conclusion(["."]),
)  # fmt: skip


class FakeRunner:
    """Remembers what was restarted, and with which settings."""

    def __init__(self, settings: dict[str, dict[str, str]]) -> None:
        parts = [
            SimpleNamespace(name=name, kind=kind) for name, kind in (("orders", "app"), ("web", "app"), ("db", "pg"))
        ]
        self.stack = SimpleNamespace(name="shop", parts=parts)
        self.settings = settings
        self.done: list[tuple[str, dict[str, str | None] | None]] = []
        self._lock = threading.Lock()

    def status(self) -> Any:
        return SimpleNamespace(environment=self.settings)

    def restart(self, part: str) -> None:
        with self._lock:
            self.done.append((part, None))

    def configure(self, part: str, changes: dict[str, str | None]) -> None:
        with self._lock:
            self.done.append((part, changes))


def rounds_of(runner: FakeRunner, declared: Ablation = DECLARED) -> Rounds:
    study: Any = SimpleNamespace(
        quick=False, seed=1, folder=Path(), runs=[],
        progress=SimpleNamespace(plan=lambda _: None, doing=lambda _: None, done=lambda _: None),
    )  # fmt: skip
    arm: Any = SimpleNamespace(runner=runner, warm=lambda *_, **__: None)
    generator: Any = SimpleNamespace(run=None)
    return Rounds(study, declared, {"shop": arm}, generator)


def test_before_each_turn_every_application_is_restarted_whether_its_settings_change_or_not() -> None:
    runner = FakeRunner({})
    rounds = rounds_of(runner)
    arm: Any = SimpleNamespace(runner=runner)

    for settings in ({}, CHANGED, CHANGED, {}):
        rounds._take_to(arm, settings)

    by_part = {part: [changes for one, changes in runner.done if one == part] for part in ("orders", "web", "db")}
    assert by_part == {"orders": [None, {"SETTING": "1"}, None, {"SETTING": None}], "web": [None] * 4, "db": []}


def test_what_a_stack_was_told_before_is_taken_away_for_the_rounds_and_given_back() -> None:
    runner = FakeRunner({"orders": {"THEIRS": "x"}, "*": {"FOR": "all"}})
    rounds = rounds_of(runner)
    arm: Any = SimpleNamespace(runner=runner)

    rounds._take_to(arm, {})
    rounds._back()

    assert [changes for part, changes in runner.done if part == "orders"] == [{"THEIRS": None}, {"THEIRS": "x"}]


def test_each_variant_does_its_works_once_a_round_and_a_rare_one_in_every_other() -> None:
    rounds = rounds_of(FakeRunner({}))
    seen: list[tuple[int, str, str]] = []

    def measured(_: Any, variant: Variant, work: Work, point: Point, round_: int) -> Any:
        seen.append((round_, variant.name, work.unit))
        return {"cpu_ms_per_unit": 1.0, "rate_achieved": 1.0}

    rounds._slice = measured  # type: ignore[method-assign]
    rounds.all(4)

    assert sorted(one for one in seen if one[0] == 1) == [
        (1, "changed", "order"),
        (1, "plain", "list"),
        (1, "plain", "order"),
    ]
    assert [round_ for round_, name, _ in seen if name == "rare"] == [2, 4]
    assert len(rounds._study.runs) == len(seen)


def test_variants_can_be_chosen_and_twins_count_where_both_are_among_them() -> None:
    study: Any = SimpleNamespace(options={"variants": "plain,rare"}, quick=True)
    study.chosen = lambda *arguments: Study.chosen(study, *arguments)

    declared = chosen_of(study, replace(DECLARED, twins=(("plain", "rare"), ("plain", "changed"))))

    assert [variant.name for variant in declared.variants] == ["plain", "rare"]
    assert declared.twins == (("plain", "rare"),)


def test_every_variant_is_measured_at_every_point_of_the_grid_while_its_values_are_held() -> None:
    now: dict[str, float] = {}

    @contextlib.contextmanager
    def hold(name: str, value: float) -> Iterator[None]:
        now[name] = value
        yield
        del now[name]

    factors = (
        Factor("slow_ms", (20.0, 200.0), lambda _, value: hold("slow_ms", value)),
        Factor("size", (1.0, 2.0, 3.0), lambda _, value: hold("size", value), quick=(1.0,)),
    )
    declared = replace(DECLARED, factors=factors, works=DECLARED.works[:1], variants=DECLARED.variants[:2])
    rounds = rounds_of(FakeRunner({}), declared)
    seen: list[tuple[str, Point]] = []

    def measured(_: Any, variant: Variant, work: Work, point: Point, round_: int) -> Any:
        assert now == point
        seen.append((variant.name, point))
        return {"cpu_ms_per_unit": 1.0, "rate_achieved": 1.0}

    rounds._slice = measured  # type: ignore[method-assign]
    rounds.all(1)

    grid = [{"slow_ms": slow_ms, "size": size} for slow_ms in (20.0, 200.0) for size in (1.0, 2.0, 3.0)]
    assert declared.grid() == grid
    assert declared.grid(quick=True) == [{"slow_ms": 20.0, "size": 1.0}, {"slow_ms": 200.0, "size": 1.0}]
    assert sorted(seen, key=str) == sorted([(name, point) for name in ("plain", "changed") for point in grid], key=str)
    assert [run["factors"] for run in rounds._study.runs] == [point for _, point in seen]
    assert now == {}
