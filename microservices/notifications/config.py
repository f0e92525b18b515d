"""Settings of the notifications service."""

from __future__ import annotations

from microservices.kit.settings import ServiceSettings
from shared.platform.settings import MailSettings


class NotificationsSettings(ServiceSettings, MailSettings):
    """The common ones, and how to reach the mail server."""

    def required(self) -> tuple[str, ...]:
        """Return the settings that must not be empty."""
        return (*super().required(), *self.MAIL_REQUIRED)

    def local_defaults(self) -> dict[str, str]:
        """Return the defaults of local mode."""
        return {**super().local_defaults(), "mail_domain": "microservices.twinshop.example"}
