"""Payments: charges and refunds. What is pending is settled by whoever has the module, and by nobody before."""

from __future__ import annotations

from migration.keys import keys_of
from migration.records import NEVER, Module, Record, TableLayout, names_of, replaced

_PAYMENT = (
    "id uuid, order_id uuid, customer_id text, status text, reason text, amount bigint, currency text, "
    "payment_method text, attempts int, created_at timestamptz, updated_at timestamptz"
)
_PAYMENT_NAMES = names_of(_PAYMENT)
_PAYMENTS = Record(
    "payments",
    "uuid",
    f"{_PAYMENT}, risk int, refunded bigint",
    monolith=TableLayout(
        select=f"SELECT id AS key, {_PAYMENT_NAMES}, risk, coalesce((SELECT sum(refunds.amount) FROM refunds "
        "WHERE payment_id = payments.id AND refunds.status = 'refunded'), 0)::bigint AS refunded FROM payments",
        write=(
            f"INSERT INTO payments ({_PAYMENT_NAMES}, risk, next_attempt_at) "
            f"SELECT {_PAYMENT_NAMES}, risk, {NEVER} FROM records "
            f"ON CONFLICT (id) DO UPDATE SET {replaced(_PAYMENT_NAMES)}, risk = excluded.risk",
        ),
        delete=("DELETE FROM payments WHERE id = ANY (%(keys)s::uuid[])",),
        watched={"payments": ("id",), "refunds": ("payment_id",)},
    ),
    service=TableLayout(
        select=f"SELECT id AS key, {_PAYMENT_NAMES}, risk_score AS risk, refunded FROM payments",
        write=(
            # Whoever waits for a pending payment will be told by an event: it was answered `pending` by the monolith.
            f"INSERT INTO payments ({_PAYMENT_NAMES}, risk_score, refunded, captured, told_pending, due_at) "
            f"SELECT {_PAYMENT_NAMES}, risk, refunded, CASE status WHEN 'captured' THEN amount ELSE 0 END, "
            f"status = 'pending', CASE status WHEN 'pending' THEN {NEVER} END FROM records "
            f"ON CONFLICT (id) DO UPDATE SET {replaced(_PAYMENT_NAMES)}, risk_score = excluded.risk_score, "
            f"{replaced('refunded, captured, told_pending, due_at')}",
        ),
        delete=("DELETE FROM payments WHERE id = ANY (%(keys)s::uuid[])",),
        watched={"payments": ("id",)},
    ),
)

_REFUND = (
    "id uuid, payment_id uuid, provider_key text, amount bigint, origin text, status text, idempotency_key text, "
    "attempts int, created_at timestamptz, updated_at timestamptz"
)
_REFUND_NAMES = names_of(_REFUND)
_REFUNDS = Record(
    "refunds",
    "uuid",
    f"{_REFUND}, subject text, order_id uuid, currency text",
    monolith=TableLayout(
        select=f"SELECT id AS key, {_REFUND_NAMES}, requested_by AS subject, order_id, currency FROM "
        f"(SELECT {_REFUND_NAMES}, requested_by FROM refunds) AS refunds "
        "JOIN (SELECT id AS payment_id, order_id, currency FROM payments) AS payments USING (payment_id)",
        write=(
            f"INSERT INTO refunds ({_REFUND_NAMES}, requested_by, next_attempt_at) "
            f"SELECT {_REFUND_NAMES}, subject, {NEVER} FROM records "
            f"ON CONFLICT (id) DO UPDATE SET {replaced(_REFUND_NAMES)}",
        ),
        delete=("DELETE FROM refunds WHERE id = ANY (%(keys)s::uuid[])",),
        watched={"refunds": ("id",)},
    ),
    service=TableLayout(
        select=f"SELECT id AS key, {_REFUND_NAMES}, subject, order_id, currency FROM refunds",
        write=(
            f"INSERT INTO refunds ({_REFUND_NAMES}, subject, order_id, currency, due_at) "
            f"SELECT {_REFUND_NAMES}, subject, order_id, currency, "
            f"CASE status WHEN 'pending' THEN {NEVER} END FROM records "
            f"ON CONFLICT (id) DO UPDATE SET {replaced(_REFUND_NAMES)}, due_at = excluded.due_at",
        ),
        delete=("DELETE FROM refunds WHERE id = ANY (%(keys)s::uuid[])",),
        watched={"refunds": ("id",)},
    ),
)

# Orders that wait for a payment now wait for a service: the recovery of sagas asks it, if no event tells.
_ASK_THE_SERVICE = """
    INSERT INTO sagas (order_id, payment_method, wanted, due_at)
    SELECT orders.id, payments.payment_method, jsonb_build_object('expected_total', NULL, 'lines',
        (SELECT coalesce(jsonb_agg(jsonb_build_object('sku', line -> 'sku', 'quantity', line -> 'quantity')), '[]')
         FROM jsonb_array_elements(orders.lines) AS line)), now()
    FROM orders JOIN payments ON payments.order_id = orders.id
    WHERE orders.status IN ('placed', 'payment_pending', 'cancelling')
    ON CONFLICT (order_id) DO UPDATE SET due_at = now()
"""
# Back in the monolith an order follows its payment in one transaction, and no event tells it later. So what an order
# has not heard of yet is asked again: a charge, a refund, sent once more with its key, is answered as it was.
_ASK_AGAIN = (
    # An order that is not even priced is carried on from its first step, which records its payment anew.
    "DELETE FROM payments USING orders WHERE orders.id = payments.order_id AND orders.status = 'placed'",
    "UPDATE sagas SET due_at = now() FROM orders WHERE orders.id = order_id AND orders.status = 'placed'",
    """
    UPDATE payments SET status = 'pending' FROM orders WHERE orders.id = payments.order_id AND (
        orders.status = 'payment_pending' OR (orders.status = 'rejected' AND payments.status = 'captured'
            AND NOT EXISTS (SELECT FROM refunds WHERE refunds.payment_id = payments.id AND origin = 'late_capture')))
    """,
    """
    INSERT INTO payments (id, order_id, customer_id, status, amount, currency, payment_method, next_attempt_at)
    SELECT payment_id, orders.id, customer_id, 'pending', total, currency, payment_method, now()
    FROM orders JOIN sagas ON sagas.order_id = orders.id WHERE status = 'payment_pending' ON CONFLICT DO NOTHING
    """,
    """
    UPDATE refunds SET status = 'pending' FROM payments JOIN orders ON orders.id = payments.order_id
    WHERE payments.id = refunds.payment_id AND origin = 'cancel' AND orders.status = 'cancelling'
    """,
    """
    INSERT INTO refunds (id, payment_id, provider_key, origin, amount, status, next_attempt_at)
    SELECT gen_random_uuid(), payments.id, 'cancel-' || orders.id, 'cancel', amount - (
        SELECT coalesce(sum(other.amount), 0) FROM refunds other
        WHERE other.payment_id = payments.id AND other.status <> 'refused'), 'pending', now()
    FROM orders JOIN payments ON payments.order_id = orders.id WHERE orders.status = 'cancelling'
    ON CONFLICT (provider_key) DO NOTHING
    """,
    "UPDATE sagas SET due_at = NULL FROM orders WHERE orders.id = order_id AND orders.status <> 'placed'",
    "UPDATE payments SET next_attempt_at = now() WHERE status = 'pending'",
    "UPDATE refunds SET next_attempt_at = now() WHERE status = 'pending'",
)

MODULE = Module(
    "payments",
    records=(
        _PAYMENTS,
        _REFUNDS,
        keys_of("refund", "(SELECT id FROM refunds WHERE requested_by = owner AND refunds.idempotency_key = own_key)"),
    ),
    empty={
        "monolith": ("DELETE FROM idempotency_keys WHERE operation = 'refund'", "TRUNCATE refunds, payments"),
        "service": ("TRUNCATE refunds, payments, idempotency_keys, inbox, outbox",),
    },
    release={
        "monolith": _ASK_AGAIN,
        "service": (
            "UPDATE payments SET due_at = now() WHERE status = 'pending'",
            "UPDATE refunds SET due_at = now() WHERE status = 'pending'",
        ),
    },
    leave={"monolith": (_ASK_THE_SERVICE,)},
)
