"""What placing and cancelling an order needs."""

from __future__ import annotations

from dataclasses import dataclass

from monolith.database import Database
from monolith.notifications import Notifications
from monolith.payments import Payments, Refunds


@dataclass(frozen=True)
class Shop:
    """The other modules as orders sees them, made once by `create_app`."""

    database: Database
    payments: Payments
    refunds: Refunds
    notifications: Notifications
    cancel_window_s: float
