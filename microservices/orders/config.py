"""Settings of the orders service."""

from __future__ import annotations

from microservices.kit.settings import ServiceSettings


class OrdersSettings(ServiceSettings):
    """The common settings, where the services are that an order needs, and the shop's time limits."""

    catalog_url: str = ""
    payments_url: str = ""
    cancel_window_s: float = 1800.0
    payment_give_up_s: float = 900.0

    def required(self) -> tuple[str, ...]:
        """Return the settings that must not be empty."""
        return (*super().required(), "catalog_url", "payments_url", "service_private_key")

    def local_defaults(self) -> dict[str, str]:
        """Return the defaults of local mode: the inner listeners of the edge."""
        names = ("catalog_url", "payments_url")
        inner = {name: f"http://127.0.0.1:{port}" for port, name in enumerate(names, start=18202)}
        return {**super().local_defaults(), **inner}
