"""What a soak concludes: which part grows, and what orders leave."""

from __future__ import annotations

from typing import Any

from loadtests.experiments import soak


def part(build: str, name: str, week: tuple[float, float, float], doubles: str) -> dict[str, Any]:
    """The memory of a part that has 100 MB at the end."""
    low, middle, high = week
    return {"build": build, "kind": "memory", "what": name, "at_end": 100.0, "week_low": low, "week": middle,
            "week_high": high, "doubles": doubles}  # fmt: skip


SLOPES = [
    part("monolith", "web", (90.0, 110.0, 130.0), "no"),
    part("monolith", "db", (-50.0, 150.0, 350.0), "not shown"),
    part("microservices", "orders", (250.0, 300.0, 350.0), "yes"),
]


def test_the_part_that_surely_grows_most_is_set_beside_twice_what_it_is() -> None:
    figures = soak.compare(SLOPES)

    monolith, services = figures["memory_monolith_in_a_week"], figures["memory_microservices_in_a_week"]
    assert (monolith["what"], monolith["ratio"], monolith["low"]) == ("memory of web, Monolith", 1.1, 0.9)
    assert (services["ratio"], services["low"], services["high"], services["target"]) == (3.0, 2.5, 3.5, 2.0)


def test_a_sentence_says_which_memory_would_double_and_one_what_orders_leave() -> None:
    tables = [
        {"build": "monolith", "kept": "for good", "bytes": 2_000_000.0},
        {"build": "monolith", "kept": "48 hours", "bytes": 9_000_000.0},
        {"build": "microservices", "kept": "for good", "bytes": 3_000_000.0},
    ]

    monolith, services, growth = soak.answer(SLOPES, tables)

    assert monolith == "Monolith: the memory of no part would double in a week; of 1 of 2 parts it cannot be told."
    assert services == "Microservices: the memory of orders would double in a week; of 0 of 1 parts it cannot be told."
    assert growth == "1,000 orders leave for good, with indexes: 2.00 MB (Monolith) and 3.00 MB (Microservices)."
