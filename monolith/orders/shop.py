"""What placing and cancelling an order needs."""

from __future__ import annotations

from dataclasses import dataclass

from monolith.database import Database
from monolith.notifications import Notifications
from monolith.orders.remote.steps import Steps
from monolith.payments import Payments, Refunds


@dataclass(frozen=True)
class Shop:
    """The other modules as orders sees them, made once by `create_app`."""

    database: Database
    payments: Payments
    refunds: Refunds
    notifications: Notifications
    cancel_window_s: float
    steps: Steps | None = None  # of sagas; only where modules may leave (see remote/)

    @property
    def is_split(self) -> bool:
        """Whether an order takes several commits now, because the catalog is a service of its own."""
        return self.steps is not None and self.steps.gate.is_out("catalog")
