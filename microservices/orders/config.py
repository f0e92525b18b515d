"""Settings of the orders service."""

from __future__ import annotations

from microservices.kit.settings import ServiceSettings
from shared.platform.settings import TellingSettings


class OrdersSettings(ServiceSettings, TellingSettings):
    """The common settings, where the services are that an order needs, and the shop's time limits."""

    catalog_url: str = ""
    payments_url: str = ""
    notifications_url: str = ""  # for NOTIFY=call only
    cancel_window_s: float = 1800.0
    payment_give_up_s: float = 900.0
    payment_fallback: bool = True  # false: an order whose payment is unknown is no success to its customer (504)

    def required(self) -> tuple[str, ...]:
        """Return the settings that must not be empty."""
        needed = (*super().required(), "catalog_url", "payments_url", "service_private_key")
        return (*needed, "notifications_url") if self.notify == "call" else needed

    def local_defaults(self) -> dict[str, str]:
        """Return the defaults of local mode: the inner listeners of the edge."""
        names = ("catalog_url", "payments_url", "notifications_url")
        inner = {name: f"http://127.0.0.1:{port}" for port, name in enumerate(names, start=18202)}
        return {**super().local_defaults(), **inner}
