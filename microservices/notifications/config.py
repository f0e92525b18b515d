"""Settings of the notifications service."""

from __future__ import annotations

from typing import ClassVar

from microservices.kit.settings import ServiceSettings
from shared.platform.settings import MailSettings


class NotificationsSettings(ServiceSettings, MailSettings):
    """The common ones, and how to reach the mail server."""

    LOCAL_DEFAULTS: ClassVar[dict[str, str]] = {"mail_domain": "microservices.twinshop.example"}
