"""What the shop tells a customer, and in which words."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from enum import StrEnum
from typing import Any

from shared.domain.money import Money

log = logging.getLogger(__name__)

UTF8 = ("SMTPUTF8", "BODY=8BITMIME")  # what is asked of a mail server for an address beyond ASCII (RFC 6531)
PERMANENT = 500  # replies from here on mean the same the next time (RFC 5321)
NEEDS_UTF8 = "its address is beyond ASCII, and the mail server does not offer SMTPUTF8"


class NotificationKind(StrEnum):
    """One message for each order and kind."""

    ORDER_CONFIRMED = "order_confirmed"
    ORDER_CANCELLED = "order_cancelled"
    PAYMENT_PENDING = "payment_pending"
    ORDER_REJECTED = "order_rejected"  # only after payment_pending: else the answer itself said so


class NotificationStatus(StrEnum):
    """`queued` until the mail server took it, or until it is known that no mail can ever reach this address."""

    QUEUED = "queued"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"


_SUBJECTS = {
    NotificationKind.ORDER_CONFIRMED: "Your order is confirmed",
    NotificationKind.ORDER_CANCELLED: "Your order is cancelled",
    NotificationKind.PAYMENT_PENDING: "We are waiting for your payment",
    NotificationKind.ORDER_REJECTED: "Your order could not be completed",
}

_SENTENCES = {
    NotificationKind.ORDER_CONFIRMED: "Thank you. Your order {order_id} over {total} is confirmed.",
    NotificationKind.ORDER_CANCELLED: "Your order {order_id} over {total} is cancelled; your money comes back.",
    NotificationKind.PAYMENT_PENDING: "Your order {order_id} over {total} waits for its payment; we will mail you.",
    NotificationKind.ORDER_REJECTED: "Your order {order_id} over {total} could not be completed. Nothing is charged.",
}


def subject_of(kind: str) -> str:
    """Return the subject line of this kind of message."""
    return _SUBJECTS[NotificationKind(kind)]


def text_of(kind: str, order_id: str, total: Money) -> str:
    """Return the text of this kind of message about this order."""
    amount = f"{total.amount // 100}.{total.amount % 100:02d} {total.currency}"
    return _SENTENCES[NotificationKind(kind)].format(order_id=order_id, total=amount)


def can_be_addressed(email: str) -> bool:
    """Whether a mail can have this address at all: a name and a domain, of characters that a header can carry.

    Letters beyond ASCII are fine where the mail server offers SMTPUTF8 (RFC 6531).
    """
    name, _, domain = email.rpartition("@")
    return bool(name and domain) and email.isprintable() and not set(email) & set("<>")


def message_id(order_id: str, kind: str, mail_domain: str) -> str:
    """Return the Message-ID, the same each time a mail is sent again, so that duplicates can be told."""
    return f"<{order_id}.{kind}@{mail_domain}>"


@dataclass(frozen=True)
class Mail:
    """A message that waits to be sent. `id` is that of its row, `traceparent` names the span that caused it."""

    id: uuid.UUID
    order_id: str
    kind: NotificationKind
    email: str
    total: Money
    message_id: str
    traceparent: str | None

    @classmethod
    def of_row(cls, row: Any) -> Mail:
        """Return the mail that a claimed row describes."""
        total, kind = Money(row.total, row.currency), NotificationKind(row.kind)
        return cls(row.id, str(row.order_id), kind, row.email, total, row.message_id, row.traceparent)

    def encode(self, sender: str) -> bytes:
        """Return it as bytes: its few headers are cheaper written out than built."""
        lines = (
            f"Subject: {subject_of(self.kind)}",
            f"From: {sender}",
            f"To: {self.email}",
            f"Date: {formatdate()}",
            f"Message-ID: {self.message_id}",
            "",
            text_of(self.kind, self.order_id, self.total),
            "",
        )
        return "\r\n".join(lines).encode()


def refused(mail: Mail, code: int, reply: object) -> NotificationStatus:
    """Return what becomes of a mail that the mail server refused at MAIL, RCPT or DATA, with an SMTP code."""
    if code >= PERMANENT:
        return undeliverable(mail, f"it is refused for good: {code} {reply!r}")
    log.warning("mail %s is refused for now: %d %r", mail.message_id, code, reply)
    return NotificationStatus.QUEUED


def undeliverable(mail: Mail, why: str) -> NotificationStatus:
    """Return what becomes of a mail that no server will ever take, and say so where an operator looks."""
    log.warning("mail %s is undeliverable: %s", mail.message_id, why)
    return NotificationStatus.UNDELIVERABLE
