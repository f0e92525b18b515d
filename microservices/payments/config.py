"""Settings of the payments service."""

from __future__ import annotations

from typing import ClassVar

from microservices.kit.settings import ServiceSettings
from shared.platform.settings import ProviderSettings


class PaymentsSettings(ServiceSettings, ProviderSettings):
    """The common settings, and how to reach the provider."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("service_public_keys",)
