"""The mail job: takes queued messages under a lease, sends them over one connection, and marks them sent."""

from __future__ import annotations

import logging
import smtplib
import time
import uuid
from collections.abc import Sequence

from sqlalchemy import text

from monolith.database import Database
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
LEASE_S = 15  # by the database's clock; a batch stops sending when half of it is over
MAX_BACK_OFF_S = 5

_CLAIM = text(f"""
    UPDATE notifications SET attempts = attempts + 1, next_attempt_at = now() + interval '{LEASE_S} s'
    WHERE id IN (
        SELECT id FROM notifications WHERE status = 'queued' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED)
    RETURNING id, order_id::text, kind, email, total, currency, message_id, traceparent
""")  # noqa: S608  (constants of ours)
_MARK_SENT = text("""
    UPDATE notifications SET status = 'sent', sent_at = now() WHERE id = ANY(:ids) AND status = 'queued'
""")
_GIVE_UP = text("UPDATE notifications SET status = 'undeliverable' WHERE id = ANY(:ids) AND status = 'queued'")
_PUT_BACK = text("""
    UPDATE notifications
    SET next_attempt_at = now() + make_interval(secs => least(:most_s, power(2, least(attempts, 10)) / 2))
    WHERE id = ANY(:ids) AND status = 'queued'
""")


class Sender:
    """Sends what is queued. A mail may be sent twice after a crash, always with the same Message-ID."""

    def __init__(
        self, database: Database, *, host: str, port: int, mail_domain: str, timeout_s: float, metrics: Metrics
    ) -> None:
        self._database, self._sent, self._given_up = database, metrics.mails_sent, metrics.mails_undeliverable
        self._server = (host, port)
        self._from, self._timeout_s = f"shop@{mail_domain}", timeout_s

    def send_queued(self) -> bool:
        """Send one batch; True if there may be more. Raises Unavailable."""
        batch = [Mail.of_row(row) for row in self._database.write(_CLAIM)]
        return self.deliver(batch, self._timeout_s) and len(batch) == BATCH

    def deliver(self, batch: Sequence[Mail], timeout_s: float) -> bool:
        """Send what was claimed, and note what came of it; True if none of it is left to send."""
        if not batch:
            return False
        failpoint("mail.claimed")
        ends = self._send(batch, timeout_s)
        sent = [id_ for id_, end in ends.items() if end == NotificationStatus.SENT]
        if sent:
            self._database.write(_MARK_SENT, {"ids": sent})
            self._sent.inc(len(sent))
        given_up = [id_ for id_, end in ends.items() if end == NotificationStatus.UNDELIVERABLE]
        if given_up:
            self._database.write(_GIVE_UP, {"ids": given_up})
            self._given_up.inc(len(given_up))
        unsent = [mail.id for mail in batch if mail.id not in {*sent, *given_up}]
        if unsent:
            self._database.write(_PUT_BACK, {"ids": unsent, "most_s": MAX_BACK_OFF_S})
        return not unsent

    def _send(self, batch: Sequence[Mail], timeout_s: float) -> dict[uuid.UUID, NotificationStatus]:
        """Return what became of each, by id; what is not among them was not tried."""
        ends: dict[uuid.UUID, NotificationStatus] = {}
        stop_at = time.monotonic() + LEASE_S / 2
        try:
            with smtplib.SMTP(*self._server, timeout=timeout_s) as server:
                for mail in batch:
                    if time.monotonic() > stop_at:
                        break
                    ends[mail.id] = self.send_one(server, mail)
                    if ends[mail.id] == NotificationStatus.SENT:
                        failpoint("mail.sent")
        except (OSError, smtplib.SMTPException) as error:
            log.warning("the mail server failed after %d of %d mails: %s", len(ends), len(batch), error)
        return ends

    def send_one(self, server: smtplib.SMTP, mail: Mail) -> NotificationStatus:
        """Send one mail; still queued if the server refuses it for now. The next one may go in any case."""
        if not can_be_addressed(mail.email):
            return undeliverable(mail, "its address is none")
        try:
            server.sendmail(self._from, [mail.email], mail.encode(self._from), () if mail.email.isascii() else UTF8)
        except smtplib.SMTPNotSupportedError:
            return undeliverable(mail, NEEDS_UTF8)
        except smtplib.SMTPRecipientsRefused as error:
            ((code, reply),) = error.recipients.values()
            return refused(mail, code, reply)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return refused(mail, error.smtp_code, error.smtp_error)
        return NotificationStatus.SENT
