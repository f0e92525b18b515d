"""Settings of the monolith: everything it needs, from the environment."""

from __future__ import annotations

from pydantic import Field

from shared.platform.settings import CommonSettings, MailSettings, ProviderSettings


class Settings(CommonSettings, ProviderSettings, MailSettings):
    """One process does it all, so it needs all: database, provider, mail. Durations carry their unit."""

    db_pool_size: int = Field(default=16, ge=1, le=100)
    web_threads: int = Field(default=16, ge=1, le=200)  # requests that run at a time
    cancel_window_s: float = 1800.0
    seed_products: int = Field(default=1000, ge=0, le=1_000_000)

    def required(self) -> tuple[str, ...]:
        """Return the settings that must not be empty."""
        return (*super().required(), *self.PROVIDER_REQUIRED, *self.MAIL_REQUIRED)

    def local_defaults(self) -> dict[str, str]:
        """Return what the outside world of a laptop expects."""
        return super().local_defaults() | {
            "provider_url": "http://127.0.0.1:18401",
            "provider_merchant": "monolith",
            "provider_api_key": "key-monolith",
            "webhook_secret": "webhook-secret-monolith",
            "mail_domain": "monolith.twinshop.example",
        }
