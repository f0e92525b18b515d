"""What payments do with charges and refunds."""

from __future__ import annotations

from microservices.payments.charges import Charges
from microservices.payments.refunds import Refunds
from variants.tracing.steps import Steps


def watch() -> None:
    """Put spans around it."""
    payments = Steps("payments")
    payments.call(Charges.charge, lambda self, body: body.order_id)
    payments.call(Charges.void, lambda self, order_id: order_id)
    payments.root(Charges.settle_one, lambda self, payment: str(payment.order_id))
    payments.root(Refunds.settle_one, lambda self, refund: str(refund.order_id))
