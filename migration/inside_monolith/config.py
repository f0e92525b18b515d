"""Settings of a monolith whose modules can be extracted: it must know where they would be."""

from __future__ import annotations

from typing import ClassVar

from monolith.config import Settings

SERVICES = ("notifications", "catalog", "payments", "orders")
CALLER = "orders"  # to the services and the broker we are this one


class ExtractableSettings(Settings):
    """Those of the monolith, and how to reach the broker and the services."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("nats_url", "service_private_key", *(f"{name}_url" for name in SERVICES))

    nats_url: str = ""
    catalog_url: str = ""
    payments_url: str = ""
    notifications_url: str = ""
    orders_url: str = ""
    service_private_key: str = ""  # a file: our orders speak to the services as the service `orders` does

    def url_of(self, module: str) -> str:
        """Return the address of the service that a module becomes."""
        return str(getattr(self, f"{module}_url"))
