"""The sentence over the room: what happened, since when, and what customers of each shop meet."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.faults.notes import FaultNote
from deploy.faults.vocabulary import FAULTS
from room.narration import PHRASES, Narrator, faults_on

NOW = 1_000_000


def look(
    *, failed: int = 0, pending: int = 0, pages_failed: int = 0, p99: float = 50.0, sent: int = 10
) -> dict[str, Any]:
    """Return a shop's last seconds: ten orders and ten pages, so many of which failed or wait."""
    answered = min(sent, 10)
    return {
        "up": True,
        "recent": {
            "orders": {"asked": sent, "answered": answered, "failed": failed, "pending": pending, "p99": p99},
            "browsing": {"asked": 10, "answered": 10, "failed": pages_failed, "p99": p99},
        },
    }


def note(stack: str, fault: str, part: str = "", *, ago_s: float = 12) -> FaultNote:
    """Return the note of a fault that began so long ago."""
    return FaultNote(stack, fault, part, NOW / 1000 - ago_s, NOW / 1000 + 20, 1)


def sentence(
    looks: dict[str, Any], notes: tuple[FaultNote, ...] = (), states: dict[str, dict[str, str]] | None = None
) -> str:
    """Return the sentence as a page writes it."""
    story = Narrator().tell(NOW, faults_on(notes), looks, states or {})
    ago = f" {(NOW - story['at']) / 1000:.0f} s ago" if story["at"] else ""
    return f"{story['happened']}{ago}; {story['now']}."


def test_every_fault_has_a_phrase() -> None:
    assert set(PHRASES) == set(FAULTS)


def test_a_hanging_provider_makes_orders_wait_in_both_shops() -> None:
    notes = (note("microservices", "provider-hanging"), note("monolith", "provider-hanging", ago_s=11))

    assert sentence({"monolith": look(pending=9), "microservices": look(pending=10)}, notes) == (
        "The payment provider stopped answering 12 s ago; orders in both shops wait as payment pending; "
        "browsing in both shops is unaffected."
    )


def test_what_differs_is_told_for_each_shop() -> None:
    notes = (note("monolith", "kill", "payments"), note("microservices", "kill", "payments"))

    assert sentence({"monolith": look(failed=10, pages_failed=10), "microservices": look(pending=10)}, notes) == (
        "Payments was killed 12 s ago; orders in the monolith fail and in the services wait as payment pending; "
        "browsing in the monolith fails and in the services is unaffected."
    )


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (look(), "orders in the monolith are confirmed; browsing in the monolith works"),
        (look(failed=2), "orders in the monolith partly fail; browsing in the monolith works"),
        (look(p99=2300), "orders in the monolith take up to 2 s; browsing in the monolith takes up to 2 s"),
        ({"up": True}, "nobody is buying"),
    ],
)
def test_without_trouble_the_figures_are_told(figures: dict[str, Any], words: str) -> None:
    assert sentence({"monolith": figures}) == f"All is well; {words}."


def test_a_fault_in_one_shop_names_it_and_a_database_is_named_as_one() -> None:
    assert sentence({"monolith": look()}, (note("monolith", "pause", "db"),)).startswith(
        "In the monolith the database was frozen 12 s ago; "
    )


def test_a_part_that_somebody_took_down_is_told_without_a_fault_and_so_is_its_end() -> None:
    narrator, looks = Narrator(), {"microservices": look(pending=10)}
    down, ready = {"microservices": {"payments.0": "held"}}, {"microservices": {"payments.0": "ready"}}

    told_first = [narrator.tell(NOW + 1000 * second, [], looks, down) for second in (0, 3)]
    afterwards = narrator.tell(NOW + 5000, [], looks, ready)
    later = narrator.tell(NOW + 60_000, [], looks, ready)

    assert [(one["happened"], one["at"]) for one in told_first] == [
        ("In the services payments was taken down", NOW)
    ] * 2
    assert (afterwards["happened"], afterwards["at"]) == ("The trouble ended", NOW + 3000)
    assert (later["happened"], later["at"]) == ("All is well", None)


def test_without_shops_it_says_how_to_start_them() -> None:
    assert (
        sentence({"monolith": {"up": False}, "microservices": {"up": False}})
        == "Both shops are down; `twinshop up` starts them."
    )


def test_requests_that_hang_are_told() -> None:
    hanging = look()
    hanging["recent"]["orders"] |= {"asked": 4, "answered": 0, "p99": None}

    assert "orders in the monolith get no answer" in sentence({"monolith": hanging})
