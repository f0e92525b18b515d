"""Answers kept under an admin's Idempotency-Key: one table in the monolith, one in each service that takes keys."""

from __future__ import annotations

from migration.records import Record, TableLayout

_COLUMNS = "owner text, own_key text, fingerprint text, status int, body bytea, media_type text, created_at timestamptz"

_SERVICE = TableLayout(
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


def keys_of(operation: str, id_column: str) -> Record:
    """Return the record of an operation's keys; `id_column` is the id of what a key made in the monolith."""
    return Record(
        f"{operation}_keys",
        "text",
        _COLUMNS,
        monolith=TableLayout(
            select="SELECT owner || E'\\x1f' || key AS key, owner, key AS own_key, fingerprint, status, body, "
            f"media_type, created_at FROM idempotency_keys WHERE operation = '{operation}'",
            write=(
                "INSERT INTO idempotency_keys (owner, key, operation, fingerprint, resource_id, status, body, "
                f"media_type, created_at, finished_at) SELECT owner, own_key, '{operation}', fingerprint, {id_column}, "
                "status, body, media_type, created_at, CASE WHEN status IS NOT NULL THEN now() END FROM records "
                "ON CONFLICT (owner, key, operation) DO UPDATE SET fingerprint = excluded.fingerprint, "
                "status = excluded.status, body = excluded.body, media_type = excluded.media_type, "
                "finished_at = excluded.finished_at",
            ),
            delete=(
                "DELETE FROM idempotency_keys WHERE owner || E'\\x1f' || key = ANY (%(keys)s::text[]) "
                f"AND operation = '{operation}'",
            ),
            watched={"idempotency_keys": ("owner", "key")},
        ),
        service=_SERVICE,
    )
