-- The floor of one confirmed order: every SQL statement that the monolith sends for it, and nothing else.
-- Run: PGOPTIONS="-c search_path=floor" pgbench -n -M prepared -D products=1000 -f floor_order.sql (floor_setup.sql first).
-- Recorded from monolith/; the order of statements, their parameters and the three kinds of commit are the monolith's.
\set first random(1, :products - 1)
\set second random(:first + 1, :products)
\set customer random(1, 1000)
\set key random(1, 9223372036854775806)

-- Transaction one: the key, price and reserve, the order, the pending payment.
BEGIN;
INSERT INTO idempotency_keys (owner, key, operation, fingerprint, resource_id)
    VALUES ('customer-' || :customer, lpad(:key::text, 36, '0'), 'place_order', lpad(:key::text, 64, '0'), uuidv7())
    ON CONFLICT DO NOTHING RETURNING resource_id AS order_id, uuidv7() AS payment_id \gset
SELECT stock.sku, products.name, products.price, products.currency, stock.available
    FROM stock JOIN products USING (sku)
    WHERE stock.sku = ANY(ARRAY['P-' || :first, 'P-' || :second]) ORDER BY stock.sku FOR UPDATE OF stock;
WITH wanted AS (
    SELECT * FROM unnest(ARRAY['P-' || :first, 'P-' || :second], ARRAY[1, 2]) AS wanted (sku, quantity)
), taken AS (
    UPDATE stock SET available = available - wanted.quantity, reserved = reserved + wanted.quantity
    FROM wanted WHERE stock.sku = wanted.sku COLLATE "C" AND stock.available >= wanted.quantity
    RETURNING stock.sku, wanted.quantity
)
INSERT INTO reservations (order_id, sku, quantity, status)
    SELECT CAST(:order_id AS uuid), sku, quantity, 'reserved' FROM taken;
INSERT INTO orders (id, customer_id, email, status, lines, total, currency, payment_id, reason, idempotency_key)
    VALUES (:order_id::uuid, 'customer-' || :customer, 'customer-' || :customer || '@customers.example', 'placed',
        '[{"sku": "ALARM-000095", "name": "Gotland Alarm Clock, yellow", "quantity": 1, "unit_price": {"amount": 2290, "currency": "EUR"}, "line_total": {"amount": 2290, "currency": "EUR"}}, {"sku": "ALARM-000191", "name": "Gotland Alarm Clock, magenta", "quantity": 2, "unit_price": {"amount": 5990, "currency": "EUR"}, "line_total": {"amount": 11980, "currency": "EUR"}}]'::jsonb,
        14270, 'EUR', :payment_id::uuid, NULL, lpad(:key::text, 36, '0'))
    RETURNING id, customer_id, email, status, version, lines, total, currency, payment_id, reason, idempotency_key,
        created_at, updated_at;
INSERT INTO payments (id, order_id, customer_id, status, amount, currency, payment_method, next_attempt_at)
    VALUES (:payment_id::uuid, :order_id::uuid, 'customer-' || :customer, 'pending', 14270, 'EUR', 'pm_ok',
        now() + make_interval(secs => 10.0));
COMMIT;

-- Transaction two: the payment, the order, the sale, the kept answer, the mail job.
BEGIN;
UPDATE payments SET status = 'captured', reason = NULL, risk = coalesce(NULL, risk), updated_at = now()
    WHERE order_id = :order_id::uuid AND status = 'pending';
UPDATE orders SET status = 'confirmed', version = version + 1, reason = coalesce(NULL, reason), updated_at = now()
    WHERE id = :order_id::uuid AND status = 'placed' AND version = 1
    RETURNING id, customer_id, email, status, version, lines, total, currency, payment_id, reason, idempotency_key,
        created_at, updated_at;
WITH moved AS (
    UPDATE reservations SET status = 'sold'
    WHERE order_id = CAST(:order_id AS uuid) AND status = 'reserved' RETURNING sku, quantity
), locked AS (
    SELECT stock.sku, moved.quantity FROM stock JOIN moved USING (sku) ORDER BY stock.sku FOR UPDATE OF stock
)
UPDATE stock SET reserved = reserved - quantity, sold = sold + quantity FROM locked WHERE stock.sku = locked.sku;
UPDATE idempotency_keys SET status = 201, body = decode(repeat('7b226964223a2230316131666137', 43), 'hex'),
        media_type = 'application/json'
    WHERE owner = 'customer-' || :customer AND key = lpad(:key::text, 36, '0') AND operation = 'place_order';
INSERT INTO notifications (id, order_id, kind, customer_id, email, total, currency, message_id)
    VALUES (uuidv7(), :order_id::uuid, 'order_confirmed', 'customer-' || :customer,
        'customer-' || :customer || '@customers.example', 14270, 'EUR',
        '<' || :order_id || '.order_confirmed@monolith.twinshop.example>')
    ON CONFLICT (order_id, kind) DO NOTHING;
COMMIT;

-- The mail job: the monolith sends mails in batches; ten to a batch is what it has at 100 orders a second.
\set batch random(1, 10)
\if :batch = 1
WITH claimed AS (
    UPDATE notifications SET attempts = attempts + 1, next_attempt_at = now() + interval '15 s'
    WHERE id IN (
        SELECT id FROM notifications WHERE status = 'queued' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT 50 FOR UPDATE SKIP LOCKED)
    RETURNING id, order_id::text, kind, email, total, currency, message_id
)
SELECT coalesce(array_agg(id), '{}') AS ids FROM claimed \gset
UPDATE notifications SET status = 'sent', sent_at = now() WHERE id = ANY(:ids::uuid[]) AND status = 'queued';
\endif
