"""What a shop takes up: growth for 1,000 orders, and that somebody has thought of every table."""

from __future__ import annotations

import re

from deploy.model.home import REPOSITORY
from loadtests.measure.footprint import FOR_GOOD, RETENTION, Table, growth


def test_growth_is_told_for_a_thousand_orders_with_indexes() -> None:
    before, after = {"shop.orders": Table(10, 8_000, 4_000)}, {"shop.orders": Table(60, 28_000, 9_000)}

    assert growth(before, after, orders=50) == [
        {"table": "shop.orders", "kept": FOR_GOOD, "rows": 1_000, "bytes": 500_000}
    ]


def test_a_table_that_nobody_thought_of_is_said() -> None:
    (row,) = growth({}, {"shop.baskets": Table(5, 8_000, 0)}, orders=5)

    assert row["kept"] == "not said"


def test_it_is_known_of_every_table_of_both_builds_how_long_it_keeps() -> None:
    files = [path for build in ("monolith", "microservices") for path in (REPOSITORY / build).rglob("*.py")]
    code = "".join(path.read_text("utf-8") for path in files if not path.name.startswith("test_"))
    created = set(re.findall(r"CREATE TABLE (\w+) \(", code))

    assert {"orders", "outbox", "inbox"} <= created
    assert created <= RETENTION.keys()
