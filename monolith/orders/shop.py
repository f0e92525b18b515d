"""What placing, cancelling and settling an order needs."""

from __future__ import annotations

from dataclasses import dataclass

from monolith.catalog import Catalog
from monolith.database import Database
from monolith.notifications import Notifications
from monolith.payments import Payments, Refunds


@dataclass(frozen=True)
class Shop:
    """The database, and the other modules as orders sees them."""

    database: Database
    catalog: Catalog
    payments: Payments
    refunds: Refunds
    notifications: Notifications
    cancel_window_s: float
