"""Answers kept under an admin's Idempotency-Key: one table in the monolith, one in each service that takes keys."""

from __future__ import annotations

from migration.records import Form, Record

_COLUMNS = "owner text, own_key text, fingerprint text, status int, body bytea, media_type text, created_at timestamptz"
# Whose key is it? An order's or a refund's has the id of what it made; what is neither has restocked a product.
_ORDER = "EXISTS (SELECT FROM orders WHERE orders.id = idempotency_keys.resource_id)"
_REFUND = "EXISTS (SELECT FROM refunds WHERE refunds.id = idempotency_keys.resource_id)"
OF_A_REFUND = _REFUND
OF_A_RESTOCK = f"NOT {_ORDER} AND NOT {_REFUND}"

_SERVICE = Form(
    select="SELECT subject || E'\\x1f' || key AS key, subject AS owner, key AS own_key, fingerprint, status, body, "
    "media_type, created_at FROM idempotency_keys",
    write=(
        "INSERT INTO idempotency_keys (subject, key, fingerprint, status, body, media_type, created_at) "
        "SELECT owner, own_key, fingerprint, status, body, media_type, created_at FROM records "
        "ON CONFLICT (subject, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, "
        "body = excluded.body, media_type = excluded.media_type",
    ),
    delete=("DELETE FROM idempotency_keys WHERE subject || E'\\x1f' || key = ANY (%(keys)s::text[])",),
    watched={"idempotency_keys": ("subject", "key")},
)


def keys_of(name: str, which: str, made: str) -> Record:
    """Return the record of the keys that `which` chooses in the monolith; `made` is the id of what a key made there."""
    return Record(
        name,
        "text",
        _COLUMNS,
        monolith=Form(
            select="SELECT owner || E'\\x1f' || key AS key, owner, key AS own_key, fingerprint, status, body, "
            f"media_type, created_at FROM idempotency_keys WHERE {which}",
            write=(
                "INSERT INTO idempotency_keys (owner, key, fingerprint, resource_id, status, body, media_type, "
                f"created_at, finished_at) SELECT owner, own_key, fingerprint, {made}, status, body, media_type, "
                "created_at, CASE WHEN status IS NOT NULL THEN now() END FROM records "
                "ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint, "
                "status = excluded.status, body = excluded.body, media_type = excluded.media_type, "
                "finished_at = excluded.finished_at",
            ),
            delete=(
                f"DELETE FROM idempotency_keys WHERE owner || E'\\x1f' || key = ANY (%(keys)s::text[]) AND {which}",
            ),
            watched={"idempotency_keys": ("owner", "key")},
        ),
        service=_SERVICE,
    )
