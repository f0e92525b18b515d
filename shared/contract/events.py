"""The events that services publish: one envelope, and what each kind carries."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.contract.bodies import MoneyBody, OrderLine
from shared.domain.ids import is_id

STREAM = "SHOP"
SUBJECT_PREFIX = "shop."
DEAD_STREAM = "DEAD"
DEAD_SUBJECT_PREFIX = "dead."
REASON_HEADER, SUBJECT_HEADER = "Twinshop-Reason", "Twinshop-Subject"  # of a dead letter: why, and where from

OrderEventType = Literal[
    "order.confirmed", "order.payment_pending", "order.rejected", "order.cancelled", "order.refund_due"
]
PaymentEventType = Literal["payment.captured", "payment.declined", "payment.voided", "payment.refunded"]


def _canonical_id(text: str) -> str:
    if not is_id(text):
        raise ValueError("no id of ours: a UUID in its canonical form")
    return text


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a NUL character cannot be stored")
    return text


# What a database would refuse is refused here, where the event is read: delivered again it would fail again.
Id = Annotated[str, AfterValidator(_canonical_id)]
Text = Annotated[str, Field(max_length=1000), AfterValidator(_storable)]
Version = Annotated[int, Field(ge=1, lt=2**31)]


class Event(BaseModel):
    """The envelope: `id` is unique and is what an inbox remembers; `occurred_at` is UTC, ISO 8601."""

    model_config = ConfigDict(frozen=True)

    id: Id
    type: str
    occurred_at: Text
    trace_id: Text = ""
    traceparent: Text = ""  # W3C: the span that caused it, where tracing is on and the request is recorded


class OrderEvent(Event):
    """Something happened to an order. `version` grows with each step of that order."""

    type: OrderEventType
    order_id: Id
    version: Version
    customer_id: Text
    email: Text
    lines: list[OrderLine]
    total: MoneyBody | None
    reason: Text | None = None
    notify: bool = True  # false where the HTTP answer has said it already


class PaymentEvent(Event):
    """Something happened to the payment of an order. `amount`: charged, or refunded by this step."""

    type: PaymentEventType
    payment_id: Id
    order_id: Id
    amount: MoneyBody
    origin: Text | None = None  # of a refund: admin | cancel | late_capture
    reason: Text | None = None


def subject_of(event_type: str) -> str:
    """Return the JetStream subject of this kind of event."""
    return SUBJECT_PREFIX + event_type
