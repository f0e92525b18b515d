"""What a reservation may become. Available, reserved and sold always add up to what was put in."""

from __future__ import annotations

from enum import StrEnum


class ReservationStatus(StrEnum):
    """`tombstone`: a release came before the reservation, which is refused from then on."""

    RESERVED = "reserved"
    SOLD = "sold"
    RELEASED = "released"  # given back before the sale
    RETURNED = "returned"  # given back after the sale, or instead of it
    TOMBSTONE = "tombstone"


def lock_order(skus: list[str]) -> list[str]:
    """Return the skus in the one order in which stock rows are locked, so that no two orders deadlock."""
    return sorted(skus)
