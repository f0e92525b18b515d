"""Orders: the one module that speaks to all others, through their facades. This is its own facade."""

from monolith.orders.routes import blueprint
from monolith.orders.settle import on_payment_settled, on_refunded
from monolith.orders.shop import Shop
from monolith.orders.tables import prune_keys, reset

__all__ = ["Shop", "blueprint", "on_payment_settled", "on_refunded", "prune_keys", "reset"]
