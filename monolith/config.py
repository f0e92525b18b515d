"""Settings of the monolith: everything it needs, from the environment."""

from __future__ import annotations

from pydantic import Field

from shared.platform.settings import CommonSettings, MailSettings, ProviderSettings, TellingSettings


class Settings(CommonSettings, ProviderSettings, MailSettings, TellingSettings):
    """One process does it all, so it needs all: database, provider, mail. Durations carry their unit."""

    db_pool_size: int = Field(default=16, ge=1, le=100)
    web_threads: int = Field(default=16, ge=1, le=200)  # requests that run at a time
    bulkheads: str = ""  # orders:8,catalog:6,...: of these, at most so many for a module; empty: no limits
    cancel_window_s: float = 1800.0
    seed_products: int = Field(default=1000, ge=0, le=1_000_000)

    # May modules leave the process while it serves (see moving/)? Then it must know where they would be.
    movable: bool = False
    nats_url: str = ""
    catalog_url: str = ""
    payments_url: str = ""
    notifications_url: str = ""
    orders_url: str = ""
    service_private_key: str = ""

    def required(self) -> tuple[str, ...]:
        """Return the settings that must not be empty."""
        elsewhere = (
            "nats_url",
            "catalog_url",
            "payments_url",
            "notifications_url",
            "orders_url",
            "service_private_key",
        )
        own = (*super().required(), *self.PROVIDER_REQUIRED, *self.MAIL_REQUIRED)
        return (*own, *elsewhere) if self.movable else own

    def local_defaults(self) -> dict[str, str]:
        """Return what the outside world of a laptop expects."""
        return super().local_defaults() | {
            "provider_url": "http://127.0.0.1:18401",
            "provider_merchant": "monolith",
            "provider_api_key": "key-monolith",
            "webhook_secret": "webhook-secret-monolith",
            "mail_domain": "monolith.twinshop.example",
        }
