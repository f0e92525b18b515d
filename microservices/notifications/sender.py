"""The mail sender: takes due messages under a lease, sends them over one connection, marks what the server took."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any

from aiosmtplib import SMTP, SMTPException, SMTPServerDisconnected
from sqlalchemy import Row, TextClause, text

from microservices.kit.database import Database
from microservices.notifications.config import NotificationsSettings
from shared.domain.money import Money
from shared.domain.notification import subject_of, text_of
from shared.platform.failpoints import reach
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

BATCH = 50
LINGER_S = 0.1  # nobody waits for a mail, and mails of one batch share a connection
# A crash leaves messages for as long as this. Longer than a batch may take: SENDING_S and one time-out of the server.
LEASE_S = 20.0
SENDING_S = 10.0
BACK_OFF_AT_MOST_S = 8.0  # what waits for a mail server must be out soon after it is back

# Times are the database's, so that replicas agree.
_CLAIM = """
UPDATE notifications
SET attempts = attempts + 1, next_attempt_at = now() + CAST(:lease_s AS float) * interval '1 second'
WHERE id IN (SELECT id FROM notifications WHERE status = 'queued' AND next_attempt_at <= now() {which}
             ORDER BY next_attempt_at LIMIT CAST(:batch AS int) FOR UPDATE SKIP LOCKED)
RETURNING id, order_id, kind, email, total, currency, message_id, traceparent
"""
CLAIM: TextClause = text(_CLAIM.format(which=""))
CLAIM_ABOUT: TextClause = text(_CLAIM.format(which="AND order_id = CAST(:order_id AS uuid)"))
MARK_SENT: TextClause = text("""
UPDATE notifications SET status = 'sent', sent_at = now()
WHERE id = ANY (CAST(:ids AS uuid[])) AND status = 'queued'
""")
# Without limit: a mail server that is away for a day costs a day and not a message.
BACK_OFF: TextClause = text("""
UPDATE notifications
SET next_attempt_at = now() + least(power(2, least(attempts, 10)), CAST(:at_most_s AS float)) * interval '1 second'
WHERE id = ANY (CAST(:ids AS uuid[])) AND status = 'queued'
""")


class MailSender:
    """Sends what is due. Any number of replicas may do so at once: each works on rows of its own."""

    def __init__(self, database: Database, settings: NotificationsSettings, metrics: Metrics) -> None:
        self._database = database
        self._settings = settings
        self._metrics = metrics

    async def send_due(self) -> bool:
        """Send one batch; return whether there may be more."""
        await asyncio.sleep(LINGER_S)
        messages = await self._database.commit_one(CLAIM, {"lease_s": LEASE_S, "batch": BATCH})
        await self._deliver(messages)
        return len(messages) == BATCH

    async def send_about(self, order_id: str) -> bool:
        """Send what is due about one order, here and now; return whether all of it went. The loop does the rest."""
        wanted = {"lease_s": LEASE_S, "batch": BATCH, "order_id": order_id}
        return await self._deliver(await self._database.commit_one(CLAIM_ABOUT, wanted))

    async def _deliver(self, messages: Sequence[Row[Any]]) -> bool:
        """Send what was claimed, and note what came of it; return whether all of it was sent."""
        if not messages:
            return True
        reach("mail.claimed")
        sent = await self._send(messages)
        # A crash from here to the mark sends the batch again, with the same Message-IDs.
        reach("mail.sent")
        if sent:
            await self._database.commit_one(MARK_SENT, {"ids": sent})
            self._metrics.mails_sent.inc(len(sent))
        if len(sent) < len(messages):
            unsent = [message.id for message in messages if message.id not in sent]
            await self._database.commit_one(BACK_OFF, {"ids": unsent, "at_most_s": BACK_OFF_AT_MOST_S})
        return len(sent) == len(messages)

    async def _send(self, messages: Sequence[Row[Any]]) -> list[Any]:
        """Return the ids of the messages that the server took; what is not among them is tried again later."""
        sent: list[Any] = []
        stop_at = time.monotonic() + SENDING_S
        client = SMTP(
            hostname=self._settings.smtp_host,
            port=self._settings.smtp_port,
            timeout=self._settings.mail_timeout_s,
            local_hostname=self._settings.mail_domain,  # else it asks the name service who we are
            start_tls=False,
        )
        try:
            async with client:
                for message in messages:
                    if time.monotonic() > stop_at:
                        break
                    if await self._took(client, message):
                        sent.append(message.id)
        except (SMTPException, OSError) as error:
            log.warning("mail server: %s", error or type(error).__name__)
        return sent

    async def _took(self, client: SMTP, message: Row[Any]) -> bool:
        """Send one message; return whether the server took it. A refusal leaves the connection to the others."""
        sender = f"shop@{self._settings.mail_domain}"
        try:
            await client.sendmail(sender, [message.email], _mail(message, sender))
        except SMTPServerDisconnected:
            raise
        except (SMTPException, ValueError) as error:
            log.warning("mail %s: %s", message.message_id, error)
            return False
        return True


def _mail(message: Row[Any], sender: str) -> bytes:
    """Return the message, as bytes: plain ASCII, whose few headers are cheaper written out than built.

    Raises ValueError for an address that would end its header.
    """
    if not message.email.isascii() or not message.email.isprintable():
        raise ValueError("the address is not printable ASCII")
    lines = (
        f"Subject: {subject_of(message.kind)}",
        f"From: {sender}",
        f"To: {message.email}",
        f"Date: {formatdate()}",
        f"Message-ID: {message.message_id}",
        "",
        text_of(message.kind, str(message.order_id), Money(message.total, message.currency)),
        "",
    )
    return "\r\n".join(lines).encode("ascii")
