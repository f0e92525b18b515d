"""Orders: three tables of the monolith (order, its key with the answer, its saga) are one row of the service."""

from __future__ import annotations

from migration.records import Module, Record, TableLayout, names_of, replaced
from shared.domain.money import SHOP_CURRENCY

_ORDER = (
    "id uuid, customer_id text, email text, status text, version int, lines jsonb, total bigint, payment_id uuid, "
    "reason text, idempotency_key text, created_at timestamptz, updated_at timestamptz"
)
_ANSWER = "fingerprint text, answer_status int, answer_media_type text, answer_body bytea"
_SAGA = "payment_method text, wanted jsonb"
_ORDER_NAMES, _ANSWER_NAMES, _SAGA_NAMES = names_of(_ORDER), names_of(_ANSWER), names_of(_SAGA)
_ALL_NAMES = f"{_ORDER_NAMES}, currency, {_ANSWER_NAMES}, {_SAGA_NAMES}"
# The service keeps the fingerprint of a key that was given back; in the monolith it goes with the key.
_READ_NAMES = _ALL_NAMES.replace(
    "fingerprint", "CASE WHEN idempotency_key IS NOT NULL THEN fingerprint ELSE '' END AS fingerprint"
)

# An order that one transaction placed has no saga. What the service would need of one is in its lines; only its payment
# knows how it was paid, and nobody asks for that once the order has its payment.
_REQUEST = (
    "coalesce(wanted, jsonb_build_object('expected_total', NULL, 'lines', (SELECT coalesce(jsonb_agg("
    "jsonb_build_object('sku', line -> 'sku', 'quantity', line -> 'quantity')), '[]') "
    "FROM jsonb_array_elements(lines) AS line)))"
)
_UNFINISHED = "('placed', 'payment_pending', 'cancelling')"

_ORDERS = Record(
    "orders",
    "uuid",
    f"{_ORDER}, currency text, {_ANSWER}, {_SAGA}",
    monolith=TableLayout(
        select="SELECT id AS key, id, customer_id, email, orders.status, version, lines, total, payment_id, reason, "
        "keys.key AS idempotency_key, orders.created_at, updated_at, CASE WHEN total IS NOT NULL THEN currency END "
        "AS currency, coalesce(fingerprint, '') AS fingerprint, keys.status::int AS answer_status, "
        "media_type AS answer_media_type, body AS answer_body, coalesce(payment_method, '') AS payment_method, "
        f"{_REQUEST} AS wanted FROM orders LEFT JOIN idempotency_keys AS keys "
        "ON keys.owner = customer_id AND keys.key = idempotency_key AND keys.resource_id = id "
        "LEFT JOIN sagas ON sagas.order_id = id",
        write=(
            f"INSERT INTO orders ({_ORDER_NAMES}, currency) SELECT {_ORDER_NAMES}, "
            f"coalesce(currency, '{SHOP_CURRENCY}') FROM records "
            f"ON CONFLICT (id) DO UPDATE SET {replaced(_ORDER_NAMES)}, currency = excluded.currency",
            # An order that was given up has given its key back.
            "DELETE FROM idempotency_keys USING records WHERE resource_id = id AND idempotency_key IS NULL",
            "INSERT INTO idempotency_keys (owner, key, operation, fingerprint, resource_id, status, body, media_type, "
            "created_at, finished_at) SELECT customer_id, idempotency_key, 'place_order', fingerprint, id, "
            "answer_status, answer_body, answer_media_type, created_at, "
            "CASE WHEN answer_status IS NOT NULL THEN now() END FROM records "
            "WHERE idempotency_key IS NOT NULL ON CONFLICT (owner, key, operation) DO UPDATE SET "
            + replaced("resource_id, fingerprint, status, body, media_type, finished_at"),
            f"INSERT INTO sagas (order_id, {_SAGA_NAMES}) SELECT id, {_SAGA_NAMES} FROM records "
            f"ON CONFLICT (order_id) DO UPDATE SET {replaced(_SAGA_NAMES)}",
        ),
        delete=(
            "DELETE FROM idempotency_keys WHERE resource_id = ANY (%(keys)s::uuid[])",
            "DELETE FROM sagas WHERE order_id = ANY (%(keys)s::uuid[])",
            "DELETE FROM orders WHERE id = ANY (%(keys)s::uuid[])",
        ),
        watched={"orders": ("id",), "idempotency_keys": ("resource_id",), "sagas": ("order_id",)},
    ),
    service=TableLayout(
        select=f"SELECT id AS key, {_READ_NAMES} FROM orders",
        write=(
            f"INSERT INTO orders ({_ALL_NAMES}) SELECT {_ALL_NAMES} FROM records "
            f"ON CONFLICT (id) DO UPDATE SET {replaced(_ALL_NAMES)}",
        ),
        delete=("DELETE FROM orders WHERE id = ANY (%(keys)s::uuid[])",),
        watched={"orders": ("id",)},
    ),
)

MODULE = Module(
    "orders",
    records=(_ORDERS,),
    empty={
        "monolith": ("TRUNCATE orders, idempotency_keys, sagas, inbox",),
        "service": ("TRUNCATE orders, inbox, outbox",),
    },
    release={
        "monolith": (
            f"UPDATE sagas SET due_at = now() FROM orders WHERE orders.id = order_id AND status IN {_UNFINISHED}",
        ),
        "service": (f"UPDATE orders SET due_at = now() WHERE status IN {_UNFINISHED}",),
    },
)
