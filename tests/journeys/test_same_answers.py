"""The same script on each arm: what differs between two builds fails here (promise L8)."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.arms import Arm
from tests.journeys.books import settle, views_of
from tests.journeys.opening import open_shop
from tests.journeys.script import CHAIR, LAMP, Exchange, Mask, play
from tests.journeys.shop import RUN


def play_on(arm: Arm) -> list[Exchange]:
    """Play the script against one arm."""
    with open_shop(arm) as shop:
        return play(shop)


@pytest.fixture(scope="module")
def plays(arms: dict[str, Arm]) -> dict[str, list[Exchange]]:
    """What each arm answered to the script."""
    if len(arms) < 2:
        pytest.skip("there is only one arm to compare")
    with ThreadPoolExecutor(len(arms)) as threads:
        return dict(zip(arms, threads.map(play_on, arms.values()), strict=True))


@pytest.mark.core
def test_every_arm_answers_the_same_script_alike(plays: dict[str, list[Exchange]]) -> None:
    first, *others = plays
    differing = []
    for other in others:
        assert [step.request for step in plays[other]] == [step.request for step in plays[first]]
        for mine, theirs in zip(plays[first], plays[other], strict=True):
            if mine != theirs:
                difference = "\n".join(_difference(first, dataclasses.asdict(mine), other, dataclasses.asdict(theirs)))
                differing.append(f"{mine.request}:\n{difference}")

    assert not differing, "\n\n".join(differing)


def test_no_step_of_the_script_is_an_error_of_ours(plays: dict[str, list[Exchange]]) -> None:
    for name, steps in plays.items():
        assert [(name, step.request, step.body) for step in steps if step.status >= 500] == []


def test_every_arm_ends_in_the_same_state(arms: dict[str, Arm], plays: dict[str, list[Exchange]]) -> None:
    ends = {name: _end_of(arm) for name, arm in arms.items()}

    first, *others = ends
    assert ends[first]["v_orders"]
    differing = [line for other in others for line in _difference(first, ends[first], other, ends[other])]
    assert not differing, "\n".join(differing)


def _difference(first: str, mine: Any, other: str, theirs: Any) -> list[str]:
    places = _differing_places("", mine, theirs)
    return [f"  {place}\n    {first}: {one}\n    {other}: {two}" for place, one, two in places]


def _differing_places(place: str, one: Any, two: Any) -> list[tuple[str, Any, Any]]:
    """Return where two values differ, as deep inside as they do, and what stands there."""
    if isinstance(one, dict) and isinstance(two, dict):
        keys = sorted(one.keys() | two.keys())
        return [
            difference for key in keys for difference in _differing_places(f"{place}.{key}", one.get(key), two.get(key))
        ]
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        pairs = enumerate(zip(one, two, strict=True))
        return [difference for at, (a, b) in pairs for difference in _differing_places(f"{place}.{at}", a, b)]
    return [(place, one, two)] if one != two else []


def _end_of(arm: Arm) -> dict[str, list[Any]]:
    """Return the rows of the script's orders and products, ids masked, in an order that every arm shares."""
    settle(arm, within_s=30)
    rows, mask = views_of(arm), Mask()
    # Twin customers place their orders one after the other, and ids grow with time.
    orders = sorted((row for row in rows["v_orders"] if RUN in row.customer_id and "twin-" in row.customer_id),
                    key=lambda row: row.order_id)  # fmt: skip
    ids = [order.order_id for order in orders]
    end = {"v_orders": orders, "v_stock": [row for row in rows["v_stock"] if row.sku in (CHAIR, LAMP)]}
    for view in ("v_payments", "v_reservations", "v_notifications"):
        # A tombstone is what a release leaves that found nothing to release: a transaction has no need of it.
        end[view] = [row for row in rows[view] if row.order_id in ids and row.status != "tombstone"]
    return {view: _masked(each, ids, mask) for view, each in end.items()}


def _masked(rows: list[Any], ids: list[str], mask: Mask) -> list[Any]:
    def place(row: Any) -> tuple[int, str]:
        return (ids.index(row.order_id) if hasattr(row, "order_id") else -1), mask(json.dumps(_plain(row)))

    return [json.loads(mask(json.dumps(_plain(row)))) for row in sorted(rows, key=place)]


def _plain(row: Any) -> dict[str, Any]:
    """Return a row without what carries the name of its arm."""
    return {name: str(value) for name, value in dataclasses.asdict(row).items() if name != "message_id"}
