"""Settings of the monolith: everything it needs, from the environment."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from shared.platform.settings import CommonSettings, MailSettings, ProviderSettings


class Settings(CommonSettings, ProviderSettings, MailSettings):
    """One process does it all, so it needs all: database, provider, mail. Durations carry their unit."""

    LOCAL_DEFAULTS: ClassVar[dict[str, str]] = {
        "provider_url": "http://127.0.0.1:18401",
        "provider_merchant": "monolith",
        "provider_api_key": "key-monolith",
        "webhook_secret": "webhook-secret-monolith",
        "mail_domain": "monolith.twinshop.example",
    }

    db_pool_size: int = Field(default=16, ge=1, le=100)
    web_threads: int = Field(default=16, ge=1, le=200)  # requests that run at a time
    cancel_window_s: float = 1800.0
    seed_products: int = Field(default=1000, ge=0, le=1_000_000)
