"""What a reservation may become. Available, reserved and sold always add up to what was put in."""

from __future__ import annotations

from collections.abc import Container, Sequence
from enum import StrEnum

from shared.domain.errors import FieldError, InvalidRequest


class ReservationStatus(StrEnum):
    """`tombstone`: a release came before the reservation, which is refused from then on."""

    RESERVED = "reserved"
    SOLD = "sold"
    RELEASED = "released"  # given back before the sale
    RETURNED = "returned"  # given back after the sale, or instead of it
    TOMBSTONE = "tombstone"


def check_known(skus: Sequence[str], known: Container[str]) -> None:
    """Raise InvalidRequest if an order's lines name products that are not `known`, with the place of each."""
    unknown = [
        FieldError(f"lines.{index}.sku", "there is no such product")
        for index, sku in enumerate(skus)
        if sku not in known
    ]
    if unknown:
        raise InvalidRequest("The order names a product that does not exist.", unknown)
