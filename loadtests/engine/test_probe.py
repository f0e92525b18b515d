"""The probe finds where a ramp stops being answered in time, and budgets keep builds and load apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploy.model.errors import DeployError
from loadtests.engine import budgets, probe
from loadtests.load.generator.record import Outcome, Row


def ramp(latency_ms: Callable[[float], float], outcome: Callable[[float], Outcome] = lambda _: "ok") -> list[Row]:
    """A hundred requests a second, the rate aside: what matters is when each was due."""
    return [
        Row(n, n / 100, n / 100, latency_ms(n / 100), 1.0, "list", "GET /products", 200, "", outcome(n / 100))
        for n in range(int(probe.RAMP_S * 100))
    ]


def test_the_border_is_the_rate_at_which_answers_become_slow() -> None:
    rows = ramp(lambda at_s: 10.0 if at_s < probe.RAMP_S / 2 else 400.0)

    middle = (probe.FROM_RATE + probe.TO_RATE) / 2
    assert abs(probe.border(rows) - middle) < 1


def test_errors_are_a_border_too() -> None:
    rows = ramp(lambda _: 10.0, lambda at_s: "error" if at_s > probe.RAMP_S - 1 else "ok")

    assert probe.border(rows) < probe.TO_RATE


def test_a_hiccup_of_one_window_is_no_border() -> None:
    rows = ramp(lambda at_s: 900.0 if 2.0 <= at_s < 2.0 + probe.WINDOW_S else 10.0)

    assert probe.border(rows) == probe.TO_RATE


def test_a_build_that_keeps_up_has_the_top_rate() -> None:
    assert probe.border(ramp(lambda _: 10.0)) == probe.TO_RATE


def test_a_build_that_never_keeps_up_still_gets_a_rate() -> None:
    assert probe.border(ramp(lambda _: 900.0)) == probe.LOWEST_RATE


def test_the_warm_up_is_not_looked_at() -> None:
    cold = [row._replace(due_s=-0.5, latency_ms=5_000.0) for row in ramp(lambda _: 1.0)[:50]]

    assert probe.border([*cold, *ramp(lambda _: 10.0)]) == probe.TO_RATE


def test_two_cores_are_one_for_the_build_and_one_for_the_rest() -> None:
    assert budgets.split([3, 1]) == budgets.Budget((1,), (3,))


def test_a_big_machine_gives_a_build_no_core_that_the_monolith_could_not_use() -> None:
    budget = budgets.split(range(16))

    assert budget.build == (0,)
    assert budget.enforced


def test_more_cores_for_a_build_keep_the_threads_of_a_core_together_and_leave_one_for_the_load() -> None:
    assert budgets.split(range(4), 2, siblings=[[0, 2], [1, 3]]) == budgets.Budget((0, 2), (1, 3))
    assert budgets.split(range(4), 3).workers == 3
    assert (budgets.sizes(1), budgets.sizes(7), budgets.sizes(31)) == ((1,), (1, 2, 4), (1, 2, 4, 8))
    with pytest.raises(DeployError, match="cores=4: want less than the 4 that there are"):
        budgets.split(range(4), 4)


def test_a_single_core_is_shared_and_says_so() -> None:
    budget = budgets.split([0])

    assert not budget.enforced
    assert budget.as_dict() == {"enforced": False, "build_cores": None, "other_cores": None}
