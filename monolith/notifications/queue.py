"""Messages: queued in the transaction that they tell about, and listed for whom they are sent to."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert

from monolith.database import Database
from monolith.notifications.tables import notifications
from shared.contract.bodies import Notification, NotificationPage, OrderLine
from shared.contract.queries import PageQuery, encode_cursor
from shared.domain.ids import new_id
from shared.domain.money import Money
from shared.domain.notification import NotificationKind, message_id, subject_of
from shared.platform import tracing
from shared.platform.injected_faults import inject

_ENQUEUE = insert(notifications).on_conflict_do_nothing(index_elements=["order_id", "kind"])
_OWN = (
    select(notifications)
    .where(notifications.c.customer_id == bindparam("customer"))
    .order_by(notifications.c.id.desc())
)
_OLDER = notifications.c.id < bindparam("after")


@dataclass(frozen=True)
class About:
    """Which order a message is about, at which of its versions, and whom it goes to."""

    order_id: str
    customer_id: str
    email: str
    total: Money
    version: int
    lines: Sequence[OrderLine]
    reason: str | None


class Notifications:
    """Queues messages. `queued` is set after a commit, so that the sender need not look all the time."""

    def __init__(self, database: Database, mail_domain: str) -> None:
        self._database, self._mail_domain = database, mail_domain
        self.queued = threading.Event()

    def enqueue(self, connection: Connection, kind: NotificationKind, about: About) -> None:
        """Queue one message in the caller's transaction, unless this order has had one of this kind."""
        connection.execute(
            _ENQUEUE,
            {
                "id": new_id(),
                "order_id": about.order_id,
                "kind": kind,
                "customer_id": about.customer_id,
                "email": about.email,
                "total": about.total.amount,
                "currency": about.total.currency,
                "message_id": message_id(about.order_id, kind, self._mail_domain),
                "traceparent": tracing.carried() or None,
            },
        )

    def dispatch(self, order_id: str) -> None:
        """Call after the commit: there may be something to send about this order."""
        self.queued.set()

    def list_own(self, customer_id: str, page: PageQuery) -> NotificationPage:
        """Return a page of one's own messages, newest first."""
        inject("notifications", customer_id)
        parameters = {"customer": customer_id}
        statement = _OWN.limit(literal_column(str(page.limit + 1)))  # a limit in the text keeps the plan
        if page.after is not None:
            statement, parameters = statement.where(_OLDER), parameters | {"after": page.after}
        rows = self._database.fetch_all(statement, parameters)
        items = [
            Notification.model_validate({**row._mapping, "subject": subject_of(row.kind)}) for row in rows[: page.limit]
        ]
        return NotificationPage(
            items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > page.limit else None
        )


def reset(connection: Connection) -> None:
    """Forget all messages."""
    connection.execute(text("TRUNCATE notifications"))
