"""Bodies between services, under /internal. The edge does not route them."""

from __future__ import annotations

from typing import Literal

from shared.contract.bodies import Body, LineInput, MoneyBody, OrderLine


class ReservationInput(Body):
    """POST /internal/reservations at catalog: price and reserve in one call. Idempotent by order id."""

    order_id: str
    lines: list[LineInput]
    expected_total: MoneyBody | None = None


class Reservation(Body):
    """What the catalog reserved, at its own prices."""

    lines: list[OrderLine]
    total: MoneyBody


class ChargeInput(Body):
    """POST /internal/charges at payments. Idempotent by order id."""

    order_id: str
    payment_id: str
    customer_id: str
    amount: MoneyBody
    payment_method: str


class ChargeResult(Body):
    """`pending` (HTTP 202): the provider's answer is not known yet; an event will tell."""

    payment_id: str
    status: Literal["captured", "declined", "voided", "pending"]
    reason: str | None = None


class CancelRefundResult(Body):
    """`pending` (HTTP 202): the provider's answer is not known yet; an event will tell."""

    status: Literal["refunded", "pending"]
    amount: MoneyBody
