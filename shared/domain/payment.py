"""The life cycle of a payment and of its refunds."""

from __future__ import annotations

from enum import StrEnum

from shared.domain.errors import RefundExceedsCapture


class PaymentStatus(StrEnum):
    """`pending` means that the outcome is unknown: the money may have been taken."""

    PENDING = "pending"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"


class RefundStatus(StrEnum):
    """`pending` means sent or about to be sent; the provider's key makes it safe to send again."""

    PENDING = "pending"
    REFUNDED = "refunded"
    REFUSED = "refused"


class RefundOrigin(StrEnum):
    """Who asked for the money back. The books subtract admin refunds from what confirmed orders total."""

    ADMIN = "admin"
    CANCEL = "cancel"  # the customer cancelled the order: what admin refunds have left
    LATE_CAPTURE = "late_capture"  # a capture that showed up after the order was rejected


def check_refund(amount: int, captured: int, refunded: int) -> None:
    """Raise RefundExceedsCapture unless `amount` (minor units) still fits. `refunded` includes pending ones."""
    if amount < 1 or refunded + amount > captured:
        raise RefundExceedsCapture(f"At most {captured - refunded} can still be refunded.")


def cancel_refund_key(order_id: str) -> str:
    """Return the provider's key of the one refund that a cancellation causes."""
    return f"cancel-{order_id}"


def late_capture_refund_key(order_id: str) -> str:
    """Return the provider's key of the one refund that a late capture causes."""
    return f"late-{order_id}"
