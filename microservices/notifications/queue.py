"""Notifications: which events tell the customer something, and what a customer was told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.database import Database
from microservices.notifications.tables import notifications
from shared.contract.bodies import Notification, NotificationPage
from shared.contract.events import OrderEvent
from shared.contract.queries import PageQuery, encode_cursor
from shared.domain.ids import new_id
from shared.domain.money import SHOP_CURRENCY
from shared.domain.notification import NotificationKind, message_id, subject_of
from shared.platform.injected_faults import inject

KIND_OF_EVENT = {
    "order.confirmed": NotificationKind.ORDER_CONFIRMED,
    "order.cancelled": NotificationKind.ORDER_CANCELLED,
    "order.payment_pending": NotificationKind.PAYMENT_PENDING,
    "order.rejected": NotificationKind.ORDER_REJECTED,
}
EVENT_TYPES = tuple(KIND_OF_EVENT)
_NEWEST = "ffffffff-ffff-ffff-ffff-ffffffffffff"

# One message for each order and kind, however often and in whatever order its events come.
_QUEUE = insert(notifications).on_conflict_do_nothing(constraint="notifications_once")

# Ids grow with time (UUIDv7), so their order is that of the messages.
_PAGE = (
    select(notifications)
    .where(notifications.c.customer_id == bindparam("customer_id"), notifications.c.id < bindparam("before"))
    .order_by(notifications.c.id.desc())
    .limit(bindparam("row_count"))
)


class Notifications:
    """What the service writes down for each event, and what it shows."""

    def __init__(self, database: Database, mail_domain: str) -> None:
        self._database = database
        self._mail_domain = mail_domain

    async def on_order_events(self, connection: AsyncConnection, events: Sequence[OrderEvent]) -> None:
        """Queue the messages that these events ask for. Runs in the inbox's transaction."""
        rows = [self._row(event) for event in events if event.notify]
        if rows:
            await connection.execute(_QUEUE, rows)

    def _row(self, event: OrderEvent) -> dict[str, Any]:
        kind = KIND_OF_EVENT[event.type]
        return {
            "id": new_id(),
            "order_id": event.order_id,
            "kind": str(kind),
            "customer_id": event.customer_id,
            "email": event.email,
            "total": event.total.amount if event.total else 0,
            "currency": event.total.currency if event.total else SHOP_CURRENCY,
            "message_id": message_id(event.order_id, kind, self._mail_domain),
            "traceparent": event.traceparent or None,
        }

    async def list_notifications(self, customer_id: str, page: PageQuery) -> NotificationPage:
        """Return a page of this customer's messages, newest first."""
        inject("notifications", customer_id)
        parameters = {"customer_id": customer_id, "before": page.after or _NEWEST, "row_count": page.limit + 1}
        rows = await self._database.read(_PAGE, parameters)
        items = [
            Notification.model_validate({**row._mapping, "subject": subject_of(row.kind)}) for row in rows[: page.limit]
        ]
        return NotificationPage(
            items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > page.limit else None
        )
