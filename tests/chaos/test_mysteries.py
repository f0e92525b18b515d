"""Every mystery on both builds: it shows as its debrief says, nothing names it, and the right answer heals it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.model.home import Home
from tests.arms import Arm
from tests.journeys.books import settle
from tests.journeys.waiting import until
from workshop.customer import Visitor
from workshop.mystery import play
from workshop.mystery.case import PAIR, Case, Desk, draw
from workshop.mystery.mysteries import MYSTERIES
from workshop.mystery.symptoms import LISTS, ORDERS, Symptoms, look_at

pytestmark = [pytest.mark.fault, pytest.mark.long, pytest.mark.timeout(240)]
Shows = Callable[[Symptoms, Symptoms], bool]  # while it is on, and before


def _refused(log: str) -> Shows:
    return lambda now, _: (
        now.lists_failed == 0
        and now.order_answers == {"503 unavailable": ORDERS}
        and any(log in error for error in now.errors_in_logs)
    )


def _unauthenticated(now: Symptoms, _: Symptoms) -> bool:
    return now.order_answers == {"401 unauthenticated": ORDERS}


def _payments_refuse(now: Symptoms, _: Symptoms) -> bool:
    return now.order_answers == {"202 payment_pending": ORDERS} and any("401" in one for one in now.errors_in_logs)


# How each shows in the monolith and in the services; one entry where they are alike.
SHOWS: dict[str, tuple[Shows, ...]] = {
    "cpu-hog catalog": (lambda now, _: now.lists_ms > 200 and float(now.busiest.split()[1]) > 800,),
    "tcp-latency catalog:sql": (lambda now, _: now.lists_ms > 100 and float(now.busiest.split()[1]) < 800,),
    "disk-full orders": (_refused("No space left on device"),),
    "read-only orders": (_refused("read-only transaction"),),
    "provider-slow": (lambda now, _: now.lists_failed == 0 and now.orders_ms > 900,),
    "provider-times-out": (lambda now, _: now.order_answers.get("202 payment_pending", 0) >= ORDERS - 1,),
    "memory-leak catalog": (lambda now, well: now.memory_mb > well.memory_mb + 80 or now.lists_failed > 0,),
    "mail-slow": (lambda now, _: now.order_answers == {"201 confirmed": ORDERS} and now.mails < ORDERS,),
    "clock-off payments": (_unauthenticated, _payments_refuse),
    "drop catalog": (
        lambda now, _: now.lists_failed > 0,
        lambda now, _: now.lists_failed == 0 and now.order_answers != {"201 confirmed": ORDERS},
    ),
}


def test_no_mystery_is_left_out() -> None:
    assert [*SHOWS] == [*MYSTERIES]


@pytest.mark.parametrize("name", MYSTERIES)
def test_a_mystery_shows_and_is_healed_by_its_answer(arms: dict[str, Arm], tmp_path: Path, name: str) -> None:
    runners, desk = [arms[build].runner for build in PAIR], Desk(Home(tmp_path))
    for build in PAIR:
        settle(arms[build])
        arms[build].runner.reset(200)
    case = next(case for case in map(_both, itertools.count()) if (case.name, case.builds) == (name, PAIR))
    well = {runner.stack.name: look_at(runner) for runner in runners}
    before = {runner.stack.name: _restarts(arms[runner.stack.name]) for runner in runners}

    play.begin(desk, runners, case.seed)

    for runner, shows in zip(runners, SHOWS[name] * 2 if len(SHOWS[name]) == 1 else SHOWS[name], strict=True):
        after = _restarts(arms[runner.stack.name])
        assert {part: after[part] - count for part, count in before[runner.stack.name].items()} == dict.fromkeys(
            after, 1
        )
        until("the shop answers", lambda runner=runner: look_at(runner).lists_failed < LISTS, within_s=30)
        now = look_at(runner)
        assert shows(now, well[runner.stack.name]), (runner.stack.name, now)
    lines: list[object] = []
    assert play.take(desk, runners, f"{name} both", lines.append), lines
    assert desk.open_case() is None
    for runner in runners:
        customer = Visitor.at(runner, "detective-dora")
        sku = customer.some_skus(1)[0]
        until(
            "an order is confirmed",
            lambda customer=customer, sku=sku: customer.buy((sku, 1)).status == 201,
            within_s=30,
        )
        assert runner.status().ready


def _both(seed: int) -> Case:
    return draw(seed, PAIR)


def _restarts(arm: Arm) -> dict[str, int]:
    apps = [part.name for part in arm.runner.stack.parts if part.kind == "app"]
    return {one.part: one.restarts for one in arm.runner.stats(memory=False) if one.part in apps}
