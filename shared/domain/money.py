"""Money: an integer number of minor units and a currency. Never a float."""

from __future__ import annotations

from dataclasses import dataclass

SHOP_CURRENCY = "EUR"


@dataclass(frozen=True, order=False)
class Money:
    """`amount` is in minor units (cents); `currency` is an ISO 4217 code."""

    amount: int
    currency: str = SHOP_CURRENCY

    def __post_init__(self) -> None:
        if not isinstance(self.amount, int) or isinstance(self.amount, bool):
            raise TypeError(f"Money is an integer of minor units, not {self.amount!r}")

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same_currency(other).amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same_currency(other).amount, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.amount * quantity, self.currency)

    def _same_currency(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other
