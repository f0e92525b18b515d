"""The mails that notifications send."""

from __future__ import annotations

from microservices.notifications.sender import MailSender
from variants.tracing.steps import Steps


def watch() -> None:
    """Put spans around them."""
    Steps("notifications").mail(MailSender.send_one, lambda self, client, mail: mail)
