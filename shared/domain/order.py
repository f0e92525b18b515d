"""The life cycle of an order, and what its lines add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.errors import IllegalTransition, PriceChanged
from shared.domain.money import SHOP_CURRENCY, Money

MAX_LINES = 20
MAX_QUANTITY = 100


class OrderStatus(StrEnum):
    """Where an order is. `confirmed` ends well, `rejected` and `cancelled` end without a sale."""

    PLACED = "placed"
    PAYMENT_PENDING = "payment_pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


NEXT: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PLACED: frozenset({OrderStatus.CONFIRMED, OrderStatus.PAYMENT_PENDING, OrderStatus.REJECTED}),
    OrderStatus.PAYMENT_PENDING: frozenset({OrderStatus.CONFIRMED, OrderStatus.REJECTED}),
    OrderStatus.CONFIRMED: frozenset({OrderStatus.CANCELLING}),
    OrderStatus.CANCELLING: frozenset({OrderStatus.CANCELLED}),
    OrderStatus.REJECTED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}


def check_transition(current: str, target: str) -> None:
    """Raise IllegalTransition unless `current -> target` is a step of the life cycle."""
    if OrderStatus(target) not in NEXT[OrderStatus(current)]:
        raise IllegalTransition(f"An order cannot go from {current} to {target}.")


class RejectReason(StrEnum):
    """Why an order was rejected; kept with the order and shown to its owner."""

    OUT_OF_STOCK = "out_of_stock"
    PRICE_CHANGED = "price_changed"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_VOIDED = "payment_voided"  # no answer from the provider for too long: we called it off
    UNAVAILABLE = "unavailable"  # a part was away; the customer was told 503


@dataclass(frozen=True)
class PricedLine:
    """One line with the catalog's name and price as they were when the order was placed."""

    sku: str
    name: str
    quantity: int
    unit_price: Money

    @property
    def line_total(self) -> Money:
        """Quantity times unit price."""
        return self.unit_price * self.quantity


def order_total(lines: Sequence[PricedLine]) -> Money:
    """Sum of the lines."""
    total = Money(0, lines[0].unit_price.currency if lines else SHOP_CURRENCY)
    for line in lines:
        total = total + line.line_total
    return total


def check_expected_total(total: Money, expected: Money | None) -> None:
    """Raise PriceChanged if the customer named a total and it is not this one."""
    if expected is not None and expected != total:
        raise PriceChanged(total)
