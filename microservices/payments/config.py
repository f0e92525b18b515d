"""Settings of the payments service."""

from __future__ import annotations

from microservices.kit.settings import ServiceSettings
from shared.platform.settings import ProviderSettings


class PaymentsSettings(ServiceSettings, ProviderSettings):
    """The common settings, and how to reach the provider."""

    def required(self) -> tuple[str, ...]:
        """Return the settings that must not be empty."""
        return (*super().required(), *self.PROVIDER_REQUIRED, "service_public_keys")
