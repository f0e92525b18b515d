"""Answers kept under a customer's Idempotency-Key, so that the same request sent again gets the same bytes.

A key counts for one operation of one customer, as if each operation were a service with keys of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError

from monolith.database import metadata
from shared.contract.answers import Answer
from shared.contract.parsing import Keyed
from shared.domain.errors import IdempotencyKeyReused, OutcomeUnknown, RequestInFlight

PLACE_ORDER, REFUND, RESTOCK = "place_order", "refund", "restock"  # the operations that take a key

keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("resource_id", Uuid(as_uuid=False), nullable=False),  # the order or refund that the request made
    Column("status", SmallInteger),  # of the final answer; null until there is one
    Column("body", LargeBinary),
    Column("media_type", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("finished_at", DateTime(timezone=True)),  # when the answer became final: perhaps after days
    Index("idempotency_keys_by_age", "created_at"),
)

_CLAIM = insert(keys).on_conflict_do_nothing().returning(keys.c.resource_id)
_THIS_KEY = and_(*(keys.c[name] == bindparam(f"of_{name}") for name in ("owner", "key", "operation")))
_FIND = select(keys.c.fingerprint, keys.c.resource_id, keys.c.status, keys.c.body, keys.c.media_type).where(_THIS_KEY)
_FINISH = update(keys).where(_THIS_KEY).values(finished_at=func.now())
_FREE = delete(keys).where(_THIS_KEY)
_OLD = text("""
    SELECT owner, key, operation, resource_id FROM idempotency_keys
    WHERE created_at < now() - make_interval(hours => :kept_h) AND status IS NOT NULL
      AND coalesce(finished_at, created_at) < now() - make_interval(hours => :kept_h)
    ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED
""").columns(resource_id=Uuid(as_uuid=False))


@dataclass(frozen=True)
class Earlier:
    """What became of the first request with this key: its final answer, or None while there is none."""

    resource_id: str
    fingerprint: str
    answer: Answer | None

    def replayed(self) -> Answer:
        """Return the final answer, marked as one that was given before. Raises RequestInFlight."""
        if self.answer is None:
            raise RequestInFlight("The first request with this key is still running.")
        return self.answer.replayed()


def claim(connection: Connection, owner: str, keyed: Keyed[Any], resource_id: str, operation: str) -> Earlier | None:
    """Take the key for this request, or return what the request that took it came to.

    Waits for a transaction that is about to take the same key.
    Raises IdempotencyKeyReused, RequestInFlight, OutcomeUnknown.
    """
    row = {"owner": owner, "operation": operation, "resource_id": resource_id}
    row |= {"key": keyed.key, "fingerprint": keyed.fingerprint}
    if connection.execute(_CLAIM, row).first() is not None:
        return None
    with key_is_taken():
        earlier = find(connection, owner, keyed.key, operation)
    if earlier is None:  # freed in between
        raise RequestInFlight("The first request with this key has just failed.")
    if earlier.fingerprint != keyed.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key came before, with another body.")
    return earlier


@contextmanager
def key_is_taken() -> Iterator[None]:
    """An earlier request has the key. Raises OutcomeUnknown if the database goes away: 503 would deny that one, too."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise OutcomeUnknown("The database is away; what became of the first request is not known.") from error


def find(connection: Connection, owner: str, key: str, operation: str) -> Earlier | None:
    """Return what is kept under the key, or None."""
    row = connection.execute(_FIND, _of(owner, key, operation)).first()
    if row is None:
        return None
    answer = Answer(row.status, bytes(row.body), row.media_type) if row.status is not None else None
    return Earlier(row.resource_id, row.fingerprint, answer)


def finish(connection: Connection, owner: str, key: str, answer: Answer, operation: str) -> None:
    """Keep the final answer under the key."""
    final = {"status": answer.status, "body": answer.body, "media_type": answer.media_type}
    connection.execute(_FINISH, _of(owner, key, operation) | final)


def free(connection: Connection, keys: Sequence[tuple[str, str, str]]) -> None:
    """Give these (owner, key, operation) back, if any: the request left no effect, or nobody asks for it any more."""
    if keys:
        connection.execute(_FREE, [_of(*key) for key in keys])


def old_keys(connection: Connection, kept_h: int, batch: int) -> dict[str, tuple[str, str, str]]:
    """Return (owner, key, operation), locked, of answers that have been final for `kept_h` hours, by what they made."""
    rows = connection.execute(_OLD, {"kept_h": kept_h, "batch": batch})
    return {row.resource_id: (row.owner, row.key, row.operation) for row in rows}


def _of(owner: str, key: str, operation: str) -> dict[str, object]:
    return {"of_owner": owner, "of_key": key, "of_operation": operation}


def reset(connection: Connection) -> None:
    """Forget all keys."""
    connection.execute(text("TRUNCATE idempotency_keys"))
