"""Payments: charges, refunds, and what the provider says about them. This is its facade."""

from monolith.payments.provider import Provider
from monolith.payments.refunds import RefundOrder, Refunds
from monolith.payments.remote import MovablePayments, MovableRefunds, RemotePayments
from monolith.payments.routes import blueprint
from monolith.payments.service import Charge, ChargeResult, Payments
from monolith.payments.settle import Settler
from monolith.payments.transport import DeadlineTransport
from monolith.payments.webhooks import Webhooks

__all__ = [
    "Charge",
    "ChargeResult",
    "DeadlineTransport",
    "MovablePayments",
    "MovableRefunds",
    "Payments",
    "Provider",
    "RefundOrder",
    "Refunds",
    "RemotePayments",
    "Settler",
    "Webhooks",
    "blueprint",
]
