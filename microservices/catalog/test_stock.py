"""Stock is taken once, given back once, and never below zero, whatever the order in which things arrive."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from microservices.catalog.stock import on_order_events, reserve
from microservices.kit.database import Database
from shared.contract.events import OrderEvent
from shared.domain.errors import InvalidRequest, OutOfStock, PriceChanged, ReservationRefused
from shared.domain.ids import new_id
from shared.domain.money import Money

Play = Callable[[Any], Any]


def event(order_id: str, what: str) -> OrderEvent:
    return OrderEvent(
        id=new_id(), type=f"order.{what}", occurred_at="", order_id=order_id, version=1,
        customer_id="ada", email="ada@customers.example", lines=[], total=None,
    )  # fmt: skip


async def apply(database: Database, *events: OrderEvent) -> None:
    async with database.transaction() as connection:
        await on_order_events(connection, events)


async def stock(database: Database, sku: str) -> tuple[int, int, int]:
    """Return (available, reserved, sold)."""
    statement = text("SELECT available, reserved, sold FROM v_stock WHERE sku = :sku")
    return tuple((await database.read(statement, {"sku": sku}))[0])


async def outcome(attempt: Any) -> str:
    try:
        await attempt
    except (OutOfStock, ReservationRefused) as error:
        return error.code
    return "reserved"


def test_lines_come_back_in_the_order_asked_for_at_the_catalogs_prices(play: Play) -> None:
    async def scene(database: Database) -> None:
        lines = await reserve(database, new_id(), [("BREAD-1", 2), ("APPLE-1", 3)], Money(650))

        assert [(line.sku, line.quantity, line.line_total) for line in lines] == [
            ("BREAD-1", 2, Money(500)),
            ("APPLE-1", 3, Money(150)),
        ]
        assert await stock(database, "BREAD-1") == (3, 2, 0)
        assert await stock(database, "APPLE-1") == (7, 3, 0)

    play(scene)


def test_the_same_order_again_takes_nothing_and_keeps_its_prices(play: Play) -> None:
    async def scene(database: Database) -> None:
        order = new_id()
        first = await reserve(database, order, [("BREAD-1", 2)], None)
        await database.write(text("UPDATE products SET price = 999"))

        again = await reserve(database, order, [("BREAD-1", 2)], Money(1))

        assert again == first
        assert await stock(database, "BREAD-1") == (3, 2, 0)

    play(scene)


def test_one_line_that_does_not_fit_takes_nothing_of_the_others(play: Play) -> None:
    async def scene(database: Database) -> None:
        with pytest.raises(OutOfStock, match="CHAIR-1"):
            await reserve(database, new_id(), [("APPLE-1", 1), ("CHAIR-1", 2)], None)

        assert await stock(database, "APPLE-1") == (10, 0, 0)

    play(scene)


@pytest.mark.parametrize("expected", [Money(49), Money(50, "USD")])
def test_another_total_than_expected_takes_nothing_and_tells_the_new_one(play: Play, expected: Money) -> None:
    async def scene(database: Database) -> None:
        with pytest.raises(PriceChanged) as refusal:
            await reserve(database, new_id(), [("APPLE-1", 1)], expected)

        assert refusal.value.total == Money(50)
        assert await stock(database, "APPLE-1") == (10, 0, 0)

    play(scene)


def test_an_unknown_sku_is_named_by_its_line(play: Play) -> None:
    async def scene(database: Database) -> None:
        with pytest.raises(InvalidRequest) as refusal:
            await reserve(database, new_id(), [("APPLE-1", 1), ("NOTHING-1", 1)], None)

        assert [error.field for error in refusal.value.errors] == ["lines.1.sku"]

    play(scene)


def test_twenty_orders_at_once_for_the_last_piece_sell_it_once(play: Play) -> None:
    async def scene(database: Database) -> None:
        lines = [("CHAIR-1", 1), ("APPLE-1", 1)]
        orders = (outcome(reserve(database, new_id(), lines[:: 1 if i % 2 else -1], None)) for i in range(20))

        assert Counter(await asyncio.gather(*orders)) == {"reserved": 1, "out_of_stock": 19}
        assert await stock(database, "CHAIR-1") == (0, 1, 0)

    play(scene)


def test_the_same_order_at_once_is_reserved_once(play: Play) -> None:
    async def scene(database: Database) -> None:
        order = new_id()

        await asyncio.gather(*(reserve(database, order, [("APPLE-1", 2)], None) for _ in range(8)))

        assert await stock(database, "APPLE-1") == (8, 2, 0)

    play(scene)


@pytest.mark.parametrize(
    ("story", "end"),
    [
        (("confirmed",), (8, 0, 2)),
        (("rejected",), (10, 0, 0)),
        (("confirmed", "cancelled"), (10, 0, 0)),
        (("confirmed", "confirmed", "cancelled", "cancelled"), (10, 0, 0)),
    ],
)
@pytest.mark.parametrize("in_one_batch", [True, False])
def test_events_of_an_order_end_the_same_in_every_order_of_arrival(
    play: Play, story: Sequence[str], end: tuple[int, int, int], in_one_batch: bool
) -> None:
    async def scene(database: Database) -> None:
        for arrival in set(itertools.permutations(story)):
            await database.write(text("DELETE FROM reservations"))
            await database.write(
                text("UPDATE products SET available = initial, reserved = 0, sold = 0 WHERE sku = 'APPLE-1'")
            )
            order = new_id()
            await reserve(database, order, [("APPLE-1", 2)], None)
            events = [event(order, what) for what in arrival]

            if in_one_batch:
                await apply(database, *events)
            else:
                for one in events:
                    await apply(database, one)

            assert await stock(database, "APPLE-1") == end, arrival

    play(scene)


def test_a_release_that_came_first_refuses_the_reservation(play: Play) -> None:
    async def scene(database: Database) -> None:
        order = new_id()
        await apply(database, event(order, "rejected"))

        with pytest.raises(ReservationRefused):
            await reserve(database, order, [("APPLE-1", 1)], None)

        assert await stock(database, "APPLE-1") == (10, 0, 0)

    play(scene)


def test_a_release_beside_its_reservation_leaves_nothing_reserved(play: Play) -> None:
    async def scene(database: Database) -> None:
        for _ in range(20):
            order = new_id()

            await asyncio.gather(
                outcome(reserve(database, order, [("APPLE-1", 1), ("BREAD-1", 1)], None)),
                apply(database, event(order, "rejected")),
            )

            assert await stock(database, "APPLE-1") == (10, 0, 0)

    play(scene)


def test_a_batch_about_many_orders_moves_each_pile_once(play: Play) -> None:
    async def scene(database: Database) -> None:
        orders = [new_id() for _ in range(4)]
        for order in orders:
            await reserve(database, order, [("APPLE-1", 1), ("BREAD-1", 1)], None)

        kinds = ("confirmed", "rejected", "confirmed", "confirmed")
        await apply(database, *(event(order, what) for order, what in zip(orders, kinds, strict=True)))

        assert await stock(database, "APPLE-1") == (7, 0, 3)
        assert await stock(database, "BREAD-1") == (2, 0, 3)

    play(scene)
