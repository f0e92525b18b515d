"""One tree of errors for the shop; each knows its code and `shared/contract/problems.py` maps it to HTTP.

ShopError
├── InvalidRequest            invalid_request
├── MalformedBody             malformed_body
├── IdempotencyKeyMissing     idempotency_key_missing
├── IdempotencyKeyReused      idempotency_key_reused
├── RequestInFlight           request_in_flight
├── Unauthenticated           unauthenticated
├── Forbidden                 forbidden
├── NotFound                  not_found
├── OutOfStock                out_of_stock
├── PriceChanged              price_changed
├── ReservationRefused        reservation_refused   (inner only: a release came first)
├── PaymentDeclined           payment_declined
├── NotCancellable            not_cancellable
├── RefundExceedsCapture      refund_exceeds_capture
├── IllegalTransition         internal_error        (a defect of ours, never the customer's fault)
├── Unavailable               unavailable           (answered as failed: no effect is left)
└── OutcomeUnknown            deadline_exceeded     (unanswered: whole or absent, a replay tells)

Unanswered and Unreached are no answers of ours: they say what came of a call to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shared.domain.money import Money


class ShopError(Exception):
    """Base of everything the shop refuses. `detail` is for the customer and carries no secret."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True)
class FieldError:
    """One field that is wrong: `field` is a path such as `lines.0.quantity`."""

    field: str
    message: str


class InvalidRequest(ShopError):
    """The body or the query does not fit the contract."""

    code = "invalid_request"

    def __init__(self, detail: str = "The request is not valid.", errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors or []


class MalformedBody(ShopError):
    """The body is not JSON."""

    code = "malformed_body"


class IdempotencyKeyMissing(ShopError):
    """The route needs an Idempotency-Key header."""

    code = "idempotency_key_missing"


class IdempotencyKeyReused(ShopError):
    """The key came before, with another body."""

    code = "idempotency_key_reused"


class RequestInFlight(ShopError):
    """The first request with this key still runs."""

    code = "request_in_flight"


class Unauthenticated(ShopError):
    """The token is missing, expired, forged or meant for somebody else."""

    code = "unauthenticated"


class Forbidden(ShopError):
    """The token lacks the role."""

    code = "forbidden"


class NotFound(ShopError):
    """Absent, or somebody else's: the answer is the same."""

    code = "not_found"


class OutOfStock(ShopError):
    """Not enough stock for at least one line."""

    code = "out_of_stock"

    def __init__(self, sku: str) -> None:
        super().__init__(f"Not enough stock of {sku}.")
        self.sku = sku


class PriceChanged(ShopError):
    """The total the customer expected is not the total the catalog gives; `total` is the new one."""

    code = "price_changed"

    def __init__(self, total: Money) -> None:
        super().__init__("The prices have changed since the cart was filled.")
        self.total = total


class ReservationRefused(ShopError):
    """A release of this order arrived before its reservation did."""

    code = "reservation_refused"


class PaymentDeclined(ShopError):
    """The provider declined the charge."""

    code = "payment_declined"


class NotCancellable(ShopError):
    """The order is not confirmed, or its cancel window has closed."""

    code = "not_cancellable"


class RefundExceedsCapture(ShopError):
    """More money would go back than was taken."""

    code = "refund_exceeds_capture"


class IllegalTransition(ShopError):
    """A state was asked for that the life cycle does not lead to."""

    code = "internal_error"


class Unavailable(ShopError):
    """A part that the request needs is away. Raised only where no effect is left behind."""

    code = "unavailable"


class OutcomeUnknown(ShopError):
    """We cannot tell whether it happened. The same key, sent again, will."""

    code = "deadline_exceeded"


class Unanswered(Exception):
    """A call had no answer, or none that is clear: it may have been done or not."""


class Unreached(Unanswered):
    """A call found no connection: surely nothing was done."""
