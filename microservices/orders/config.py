"""Settings of the orders service."""

from __future__ import annotations

from typing import ClassVar

from microservices.kit.settings import ServiceSettings


class OrdersSettings(ServiceSettings):
    """The common settings, where the services are that an order needs, and the shop's time limits."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("catalog_url", "payments_url", "service_private_key")
    LOCAL_DEFAULTS: ClassVar[dict[str, str]] = {
        "catalog_url": "http://127.0.0.1:18202",
        "payments_url": "http://127.0.0.1:18203",
    }

    catalog_url: str = ""
    payments_url: str = ""
    cancel_window_s: float = 1800.0
    payment_give_up_s: float = 900.0
