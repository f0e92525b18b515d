"""The notifications service: what customers are told. Run by `python -m microservices.notifications.app`."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import run
from microservices.notifications import routes
from microservices.notifications.config import NotificationsSettings
from microservices.notifications.queue import EVENT_TYPES, Notifications
from microservices.notifications.sender import LINGER_S, MailSender
from shared.contract.events import OrderEvent


def create_app(settings: NotificationsSettings, runtime: ServiceRuntime | None = None) -> FastAPI:
    """Return the app; it connects when it starts."""
    runtime = runtime or ServiceRuntime("notifications", settings)
    sender = MailSender(runtime.database, settings, runtime.metrics)
    service = Notifications(runtime.database, settings.mail_domain)
    wake_sender = runtime.repeats("mail sender", sender.send_due, settings.sweep_interval_s, linger_s=LINGER_S)
    runtime.consumes("notifications", EVENT_TYPES, OrderEvent, service.on_order_events, wakes=wake_sender)
    return runtime.app([routes.router], service)


main = partial(run, "notifications", NotificationsSettings, create_app)

if __name__ == "__main__":
    main()
