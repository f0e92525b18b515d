"""Who follows an order from its route to the database and back opens few files, and none of them is long."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.monolith_stage import Shop

MONOLITH = Path(__file__).parent
PAGE = MONOLITH.parent / "docs/files.md"
MOST_LINES = 250
# Which files run for one order that is confirmed; docs/files.md lists them in the order in which one opens them.
OPENED = (
    "orders/routes.py",
    "web.py",
    "orders/place_order.py",
    "database.py",
    "idempotency.py",
    "catalog/stock.py",
    "orders/order.py",
    "payments/charges.py",
    "notifications/queue.py",
)


def test_an_order_takes_a_reader_through_these_files(shop: Shop) -> None:
    sku, ran = shop.stocks("ARMCHAIR"), set[str]()

    def note(frame: FrameType, _event: str, _argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(MONOLITH) and path != Path(__file__):
            ran.add(str(path.relative_to(MONOLITH)))

    sys.setprofile(note)
    try:
        status = shop.buy((sku, 1)).status_code
    finally:
        sys.setprofile(None)

    assert status == 201
    assert ran == set(OPENED)


def test_none_of_them_is_long() -> None:
    lines = {name: len((MONOLITH / name).read_text("utf-8").splitlines()) for name in OPENED}

    assert max(lines.values()) <= MOST_LINES, lines


def test_the_page_lists_them_in_this_order() -> None:
    text = PAGE.read_text("utf-8")

    places = [text.index(f"`monolith/{name}`") for name in OPENED]

    assert places == sorted(places)
