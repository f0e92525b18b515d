"""The mail sender: takes due messages under a lease, sends them over one connection, marks what the server took."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPNotSupported, SMTPRecipientsRefused, SMTPSenderRefused
from sqlalchemy import TextClause, text

from microservices.kit.database import Database
from microservices.notifications.config import NotificationsSettings
from shared.domain.notification import (
    NEEDS_UTF8,
    UTF8,
    Mail,
    NotificationStatus,
    can_be_addressed,
    refused,
    undeliverable,
)
from shared.platform.failpoints import failpoint
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)

BATCH = 50
LINGER_S = 0.1  # nobody waits for a mail, and mails of one batch share a connection
# A crash leaves messages for as long as this. Longer than a batch may take: SENDING_S and one time-out of the server.
LEASE_S = 20.0
SENDING_S = 10.0
BACK_OFF_AT_MOST_S = 8.0  # what waits for a mail server must be out soon after it is back

# Times are the database's, so that replicas agree.
CLAIM: TextClause = text("""
UPDATE notifications
SET attempts = attempts + 1, next_attempt_at = now() + CAST(:lease_s AS float) * interval '1 second'
WHERE id IN (SELECT id FROM notifications WHERE status = 'queued' AND next_attempt_at <= now()
             ORDER BY next_attempt_at LIMIT CAST(:batch AS int) FOR UPDATE SKIP LOCKED)
RETURNING id, order_id, kind, email, total, currency, message_id, traceparent
""")
END: TextClause = text("""
UPDATE notifications SET status = :status, sent_at = CASE WHEN :status = 'sent' THEN now() END
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
        self._counters = {
            NotificationStatus.SENT: metrics.mails_sent,
            NotificationStatus.UNDELIVERABLE: metrics.mails_undeliverable,
        }

    async def send_due(self) -> bool:
        """Send one batch; return whether there may be more."""
        rows = await self._database.write(CLAIM, {"lease_s": LEASE_S, "batch": BATCH})
        await self.deliver([Mail.of_row(row) for row in rows])
        return len(rows) == BATCH

    async def deliver(self, mails: Sequence[Mail]) -> bool:
        """Send what was claimed, and note what came of it; return whether none of it is left to send."""
        if not mails:
            return True
        failpoint("mail.claimed")
        ends = await self._send(mails)
        # A crash from here to the mark sends the batch again, with the same Message-IDs.
        failpoint("mail.sent")
        for status, counter in self._counters.items():
            ids = [id_ for id_, end in ends.items() if end == status]
            if ids:
                await self._database.write(END, {"ids": ids, "status": status})
                counter.inc(len(ids))
        unsent = [mail.id for mail in mails if ends.get(mail.id) not in self._counters]
        if unsent:
            await self._database.write(BACK_OFF, {"ids": unsent, "at_most_s": BACK_OFF_AT_MOST_S})
        return not unsent

    async def _send(self, mails: Sequence[Mail]) -> dict[uuid.UUID, NotificationStatus]:
        """Return what became of each message, by id; what is not among them was not tried."""
        ends: dict[uuid.UUID, NotificationStatus] = {}
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
                for mail in mails:
                    if time.monotonic() > stop_at:
                        break
                    ends[mail.id] = await self.send_one(client, mail)
        except (SMTPException, OSError) as error:
            log.warning("mail server: %s", error or type(error).__name__)
        return ends

    async def send_one(self, client: SMTP, mail: Mail) -> NotificationStatus:
        """Send one message; it stays queued if it is refused for now. A refusal leaves the connection to the others."""
        if not can_be_addressed(mail.email):
            return undeliverable(mail, "its address is none")
        sender = f"shop@{self._settings.mail_domain}"
        options = () if mail.email.isascii() else UTF8
        try:
            await client.sendmail(sender, [mail.email], mail.encode(sender), mail_options=options)
        except SMTPNotSupported:
            return undeliverable(mail, NEEDS_UTF8)
        except ValueError as error:
            return undeliverable(mail, f"its address is none: {error}")
        except SMTPRecipientsRefused as error:
            (reply,) = error.recipients
            return refused(mail, reply.code, reply.message)
        except (SMTPSenderRefused, SMTPDataError) as error:
            return refused(mail, error.code, error.message)
        return NotificationStatus.SENT
