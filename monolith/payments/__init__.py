"""Payments: charges, refunds, and what the provider says about them. This is its facade."""

from monolith.payments.charges import Charge, ChargeResult, Payments, Provider, reset
from monolith.payments.recovery import Recovery
from monolith.payments.refunds import RefundOrder, Refunds
from monolith.payments.routes import blueprint
from monolith.payments.webhooks import Webhooks

__all__ = [
    "Charge",
    "ChargeResult",
    "Payments",
    "Provider",
    "Recovery",
    "RefundOrder",
    "Refunds",
    "Webhooks",
    "blueprint",
    "reset",
]
