"""`python -m variants.direct_notification.monolith` serves the monolith; an order is answered once its mail is sent."""

from __future__ import annotations

import logging

from flask import Flask
from sqlalchemy import text

from monolith import app as monolith
from monolith.config import Settings
from monolith.database import Database
from monolith.modules import Connections, Modules, build_modules, connect, mail_sender
from monolith.notifications import Notifications, Sender
from monolith.server import serve
from shared.domain.errors import ShopError
from shared.domain.notification import Mail

log = logging.getLogger(__name__)

LEASE_S = 15  # as long as the mail job's
_CLAIM = text(f"""
    UPDATE notifications SET attempts = attempts + 1, next_attempt_at = now() + interval '{LEASE_S} s'
    WHERE id IN (
        SELECT id FROM notifications WHERE status = 'queued' AND next_attempt_at <= now()
          AND order_id = CAST(:order_id AS uuid)
        ORDER BY next_attempt_at FOR UPDATE SKIP LOCKED)
    RETURNING id, order_id::text, kind, email, total, currency, message_id, traceparent
""")  # noqa: S608  (a constant of ours)


class DirectNotifier(Notifications):
    """Sends what is queued about an order while its customer waits, for at most `timeout_s`."""

    def __init__(self, database: Database, mail_domain: str, sender: Sender, timeout_s: float) -> None:
        super().__init__(database, mail_domain)
        self._sender, self._timeout_s = sender, timeout_s

    def dispatch(self, order_id: str) -> None:
        """Call after the commit. It never fails the request: what is not sent is left to the loop."""
        try:
            mails = [Mail.of_row(row) for row in self._database.write(_CLAIM, {"order_id": order_id})]
            self._sender.deliver(mails, self._timeout_s)
        except ShopError as error:
            log.warning("the mail about order %s is left to the loop: %s", order_id, error.detail)


def build(settings: Settings, connections: Connections) -> Modules:
    """Return the monolith's modules with notifications that are sent at once."""
    # Whoever waits for a mail waits no longer than the services wait for each other.
    timeout_s = min(settings.mail_timeout_s, settings.inner_timeout_s)
    sender = mail_sender(settings, connections)
    notifier = DirectNotifier(connections.database, settings.mail_domain, sender, timeout_s)
    return build_modules(settings, connections, queue=notifier)


def create_app(settings: Settings) -> Flask:
    """Return the monolith's application of these modules."""
    return monolith.create_app(settings, build(settings, connect(settings)))


if __name__ == "__main__":
    serve(Settings, create_app, monolith.prepare)
