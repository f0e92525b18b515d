"""Notifications: the same rows on both sides. Mails that wait are held until their new side has the module."""

from __future__ import annotations

from migration.records import NEVER, Module, Record, TableLayout, names_of

_COLUMNS = (
    "id uuid, order_id uuid, kind text, customer_id text, email text, total bigint, currency text, status text, "
    "message_id text, attempts int, created_at timestamptz, sent_at timestamptz, traceparent text"
)
_NAMES = names_of(_COLUMNS)

_SAME = TableLayout(
    select=f"SELECT id AS key, {_NAMES} FROM notifications",
    write=(
        # Nobody sends what is only a copy: it is due never, until it is released.
        f"INSERT INTO notifications ({_NAMES}, next_attempt_at) SELECT {_NAMES}, {NEVER} FROM records "
        "ON CONFLICT (id) DO UPDATE SET status = excluded.status, attempts = excluded.attempts, "
        "sent_at = excluded.sent_at",
    ),
    delete=("DELETE FROM notifications WHERE id = ANY (%(keys)s::uuid[])",),
    watched={"notifications": ("id",)},
)
_RELEASE = ("UPDATE notifications SET next_attempt_at = now() WHERE status = 'queued'",)

MODULE = Module(
    "notifications",
    records=(Record("notifications", "uuid", _COLUMNS, _SAME, _SAME),),
    empty={"monolith": ("TRUNCATE notifications",), "service": ("TRUNCATE notifications, inbox",)},
    release={"monolith": _RELEASE, "service": _RELEASE},
)
