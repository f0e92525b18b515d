"""Idempotency keys of routes whose effect is one transaction: the answer is stored together with the effect.

A key counts for one operation of one customer: a service with such a table has one operation that takes keys.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.database import translated
from microservices.kit.web import Answer
from shared.contract.parsing import Keyed
from shared.domain.errors import IdempotencyKeyReused, OutcomeUnknown, RequestInFlight

CREATE_KEYS = """
CREATE TABLE idempotency_keys (
    subject text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status int,
    media_type text,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, key)
)"""

# A second request with the key waits here until the first one's transaction has ended.
_BEGIN = text(
    "INSERT INTO idempotency_keys (subject, key, fingerprint) VALUES (:subject, :key, :fingerprint) "
    "ON CONFLICT DO NOTHING RETURNING key"
)
_LOOK_UP = text(
    "SELECT fingerprint, status, media_type, body FROM idempotency_keys WHERE subject = :subject AND key = :key"
)
_FINISH = text(
    "UPDATE idempotency_keys SET status = :status, media_type = :media_type, body = :body "
    "WHERE subject = :subject AND key = :key"
)
# Looked at in the order of their age. An answer that is stored is final; what has none is still under way.
# For routes whose effect is the same transaction: others have to look at how old the effect is, too.
INDEX_KEYS = ("idempotency_keys_by_age", "idempotency_keys (created_at)")
PRUNE_KEYS = text("""
    DELETE FROM idempotency_keys WHERE (subject, key) IN (
        SELECT subject, key FROM idempotency_keys
        WHERE created_at < now() - make_interval(hours => :keys_kept_h) AND status IS NOT NULL
        ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ) RETURNING key
""")
_FREE = text("DELETE FROM idempotency_keys WHERE subject = :subject AND key = :key AND status IS NULL")


async def begin(connection: AsyncConnection, subject: str, keyed: Keyed[Any]) -> Answer | None:
    """Take the key, in the transaction of the effect. Return the stored answer if the key came before.

    Raises IdempotencyKeyReused (other body), RequestInFlight (no answer is stored yet) or OutcomeUnknown.
    """
    who = {"subject": subject, "key": keyed.key}
    new_key = (await connection.execute(_BEGIN, {**who, "fingerprint": keyed.fingerprint})).first()
    if new_key is not None:
        return None
    async with translated(connection, OutcomeUnknown):  # 503 would deny the first request, too
        row = (await connection.execute(_LOOK_UP, who)).one_or_none()
    if row is None:
        raise RequestInFlight("The first request with this key was just undone; send it again.")
    if row.fingerprint != keyed.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key came before, with another body.")
    if row.status is None:
        raise RequestInFlight("The first request with this key is still running.")
    return Answer(row.status, row.body, row.media_type).replayed()


async def finish(connection: AsyncConnection, subject: str, key: str, answer: Answer) -> None:
    """Store the final answer of the key."""
    final = {"status": answer.status, "media_type": answer.media_type, "body": answer.body}
    await connection.execute(_FINISH, {"subject": subject, "key": key, **final})


async def free(connection: AsyncConnection, subject: str, key: str) -> None:
    """Give the key back: the request had no effect and may be sent again."""
    await connection.execute(_FREE, {"subject": subject, "key": key})
