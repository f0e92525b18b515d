"""Notifications as a service of their own: the same facade, which tells an event instead of queueing a message."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from migration.inside_monolith.gate import Gate
from migration.inside_monolith.outbox import Outbox
from monolith.database import Database
from monolith.notifications import About, Notifications
from shared.contract.bodies import MoneyBody
from shared.contract.events import OrderEvent, OrderEventType
from shared.domain.ids import new_id
from shared.domain.notification import NotificationKind
from shared.platform import tracing

EVENT_OF_KIND: dict[NotificationKind, OrderEventType] = {
    NotificationKind.ORDER_CONFIRMED: "order.confirmed",
    NotificationKind.ORDER_CANCELLED: "order.cancelled",
    NotificationKind.PAYMENT_PENDING: "order.payment_pending",
    NotificationKind.ORDER_REJECTED: "order.rejected",
}


class ExtractableNotifications(Notifications):
    """In the process or a service, as the gate says."""

    def __init__(self, database: Database, mail_domain: str, *, gate: Gate, outbox: Outbox) -> None:
        super().__init__(database, mail_domain)
        self._gate, self._outbox = gate, outbox

    def enqueue(self, connection: Connection, kind: NotificationKind, about: About) -> None:
        """Queue one message, or put the event that makes the service queue it; in the caller's transaction."""
        if self._gate.is_extracted("notifications"):
            self._outbox.put(connection, event_of(kind, about))
        else:
            super().enqueue(connection, kind, about)

    def dispatch(self, order_id: str) -> None:
        """Call after the commit: there may be something to send about this order, or to tell."""
        if self._gate.is_extracted("notifications"):
            self._outbox.wake()
        else:
            super().dispatch(order_id)


def event_of(kind: NotificationKind, about: About, *, notify: bool = True) -> OrderEvent:
    """Return the event that tells what the message would."""
    return OrderEvent(
        id=new_id(),
        type=EVENT_OF_KIND[kind],
        occurred_at=datetime.now(UTC).isoformat(),
        trace_id=tracing.current(),
        traceparent=tracing.carried(),
        order_id=about.order_id,
        version=about.version,
        customer_id=about.customer_id,
        email=about.email,
        lines=list(about.lines),
        total=MoneyBody.of(about.total),
        reason=about.reason,
        notify=notify,
    )
