"""A background loop works when it is woken, sweeps when it is not, and survives what its steps throw."""

from __future__ import annotations

import threading
import time

from monolith.worker import Loop
from shared.domain.errors import Unavailable


def test_a_woken_loop_works_at_once() -> None:
    wake, worked = threading.Event(), threading.Event()

    def step() -> bool:
        worked.set()
        return False

    loop = Loop("test", [step], sweep_interval_s=60, wake=wake)
    loop.start()
    wake.set()

    assert worked.wait(2)
    loop.stop()


def test_a_step_with_more_to_do_is_called_again_at_once() -> None:
    answers = [True, True, False]
    finished_work = threading.Event()

    def step() -> bool:
        more = answers.pop(0)
        if not more:
            finished_work.set()
        return more

    loop = Loop("test", [step], sweep_interval_s=0.01)
    loop.start()

    assert finished_work.wait(2)
    loop.stop()


def test_a_loop_outlives_its_errors() -> None:
    errors = iter([Unavailable("away"), ZeroDivisionError("a defect")])
    survived = threading.Event()

    def step() -> bool:
        error = next(errors, None)
        if error is not None:
            raise error
        survived.set()
        return False

    loop = Loop("test", [step], sweep_interval_s=0.01)
    loop.start()

    assert survived.wait(2)
    loop.stop()


def test_a_loop_stops_before_its_next_sweep() -> None:
    loop = Loop("test", [lambda: False], sweep_interval_s=60)
    loop.start()

    started = time.monotonic()
    loop.stop()

    assert time.monotonic() - started < 1
