"""What the mail server has received: a bounded table in SQLite that outlives a restart."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from outside.storage import Storage

MAX_KEPT = 500_000
NEWEST = 10**17  # above every message's number
_PRUNE_EVERY = 1_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    domain TEXT NOT NULL,      -- of the sender: each shop sends from a domain of its own
    recipients TEXT NOT NULL,  -- ',a@b.example,c@d.example,'
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at REAL NOT NULL  -- Unix seconds
);
CREATE INDEX IF NOT EXISTS messages_by_message_id ON messages (message_id);
CREATE INDEX IF NOT EXISTS messages_by_domain ON messages (domain);
"""


class Mailbox:
    """All mail of all recipients; the oldest leave beyond half a million."""

    def __init__(self, path: Path) -> None:
        self._storage = Storage(path, _SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._storage.close()

    async def keep(self, mail_from: str, recipients: list[str], raw: bytes, received_at: float) -> None:
        """Keep one message durably. What cannot be parsed is kept too, with empty fields."""
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        sender = parseaddr(_header(message, "From"))[1] or mail_from
        rows = self._storage.write(
            "INSERT INTO messages (message_id, sender, domain, recipients, subject, body, received_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
            _bracketed(_header(message, "Message-ID")),
            sender,
            sender.rpartition("@")[2].lower(),
            f",{','.join(recipients).lower()},",
            _header(message, "Subject"),
            _text(message),
            received_at,
        )
        if (number := rows[0][0]) % _PRUNE_EVERY == 0:
            self._storage.write("DELETE FROM messages WHERE number <= ?", number - MAX_KEPT)
        await self._storage.wait_committed()

    def find(
        self, *, to: str | None, message_id: str | None, domain: str | None, limit: int, before: int = NEWEST
    ) -> list[dict[str, Any]]:
        """Return messages, newest first. A filter that is None lets all pass; angle brackets do not matter.

        `before` is a message's number: those that came before it are found.
        """
        where, values = _where(to=to, message_id=message_id, domain=domain)
        rows = self._storage.read(
            "SELECT message_id, sender, recipients, subject, body, received_at, number FROM messages"  # noqa: S608
            f"{where}{' AND' if where else ' WHERE'} number < ? ORDER BY number DESC LIMIT ?",
            *values,
            before,
            limit,
        )
        return [
            {
                "message_id": row[0],
                "from": row[1],
                "to": row[2].strip(",").replace(",", ", "),
                "subject": row[3],
                "body": row[4],
                "received_at": datetime.fromtimestamp(row[5], UTC).isoformat(timespec="milliseconds"),
                "number": row[6],
            }
            for row in rows
        ]

    def count(self, domain: str | None) -> tuple[int, int]:
        """Return how many messages a sender's domain (None: all) sent, and how many Message-IDs they have."""
        where, values = _where(domain=domain)
        rows = self._storage.read(
            f"SELECT count(*), count(DISTINCT message_id) FROM messages{where}",  # noqa: S608
            *values,
        )
        return rows[0][0], rows[0][1]

    async def delete_all(self, domain: str | None) -> int:
        """Delete the messages of a sender's domain (None: all), and return how many there were."""
        count, _ = self.count(domain)
        where, values = _where(domain=domain)
        self._storage.write(f"DELETE FROM messages{where}", *values)  # noqa: S608
        await self._storage.wait_committed()
        return count


def _where(*, to: str | None = None, message_id: str | None = None, domain: str | None = None) -> tuple[str, list[str]]:
    """Return a WHERE clause made of our own words only, and its values."""
    conditions = {
        "instr(recipients, ?)": to and f",{to.lower()},",
        "message_id = ?": message_id and _bracketed(message_id),
        "domain = ?": domain and domain.lower(),
    }
    used = {condition: value for condition, value in conditions.items() if value}
    return (f" WHERE {' AND '.join(used)}" if used else ""), list(used.values())


def _bracketed(message_id: str) -> str:
    bare = message_id.strip().removeprefix("<").removesuffix(">")
    return f"<{bare}>" if bare else ""


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError):  # the parser of the standard library trips over some
        return ""


def _text(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeDecodeError, KeyError):  # an unknown character set
        return ""
