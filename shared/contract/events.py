"""The events that services publish: one envelope, and what each kind carries."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.contract.bodies import MoneyBody, OrderLine

STREAM = "SHOP"
SUBJECT_PREFIX = "shop."
DEAD_STREAM = "DEAD"
DEAD_SUBJECT_PREFIX = "dead."

OrderEventType = Literal[
    "order.confirmed", "order.payment_pending", "order.rejected", "order.cancelled", "order.refund_due"
]
PaymentEventType = Literal["payment.captured", "payment.declined", "payment.voided", "payment.refunded"]


class Event(BaseModel):
    """The envelope: `id` is unique and is what an inbox remembers; `occurred_at` is UTC, ISO 8601."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    occurred_at: str
    trace_id: str = ""
    traceparent: str = ""  # W3C: the span that caused it, where tracing is on and the request is recorded


class OrderEvent(Event):
    """Something happened to an order. `version` grows with each step of that order."""

    type: OrderEventType
    order_id: str
    version: int
    customer_id: str
    email: str
    lines: list[OrderLine]
    total: MoneyBody | None
    reason: str | None = None
    notify: bool = True  # false where the HTTP answer has said it already


class PaymentEvent(Event):
    """Something happened to the payment of an order. `amount`: charged, or refunded by this step."""

    type: PaymentEventType
    payment_id: str
    order_id: str
    amount: MoneyBody
    origin: str | None = None  # of a refund: admin | cancel | late_capture
    reason: str | None = None


def subject_of(event_type: str) -> str:
    """Return the JetStream subject of this kind of event."""
    return SUBJECT_PREFIX + event_type
