"""Orders: the one module that speaks to all others, through their facades. This is its own facade."""

from monolith.orders.remote.settle import Settler as SagaSettler
from monolith.orders.remote.settle import on_payment_events, on_payment_settled_anywhere, on_refunded_anywhere
from monolith.orders.remote.steps import Steps
from monolith.orders.routes import blueprint
from monolith.orders.settle import on_payment_settled, on_refunded
from monolith.orders.shop import Shop

__all__ = [
    "SagaSettler",
    "Shop",
    "Steps",
    "blueprint",
    "on_payment_events",
    "on_payment_settled",
    "on_payment_settled_anywhere",
    "on_refunded",
    "on_refunded_anywhere",
]
