"""The notifications service: what customers are told. Run by `python -m microservices.notifications.app`."""

from __future__ import annotations

from fastapi import FastAPI

from microservices.kit.part import Part, serve
from microservices.notifications import routes
from microservices.notifications.config import NotificationsSettings
from microservices.notifications.sender import MailSender
from microservices.notifications.service import EVENT_TYPES, NotificationService
from shared.contract.events import OrderEvent
from shared.platform.settings import load_or_exit


def create_app(settings: NotificationsSettings) -> FastAPI:
    """Return the app; it connects when it starts."""
    part = Part("notifications", settings)
    sender = MailSender(part.database, settings, part.metrics)
    service = NotificationService(part.database, settings.mail_domain, sender)
    wake_sender = part.repeats("mail sender", sender.send_due, settings.sweep_interval_s)
    part.consumes("notifications", EVENT_TYPES, OrderEvent, service.on_order_events, wakes=wake_sender)
    return part.app([routes.router], service)


if __name__ == "__main__":
    serve(create_app, load_or_exit(NotificationsSettings), "notifications")
