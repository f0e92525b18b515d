-- Makes the floor its own copy of the monolith's tables, in the schema `floor` of the monolith's database:
-- the same columns, indexes, constraints and products, on the same server, and none of the shop's data touched.
-- Run with psql as the database's owner, once the monolith has migrated and seeded it. Safe to run again.
-- pgbench cannot pick out of a list of words, so the products get skus that are made from a number: P-1, P-2, ...
DROP SCHEMA IF EXISTS floor CASCADE;
CREATE SCHEMA floor;
SET search_path = floor;

CREATE TABLE products (LIKE public.products INCLUDING ALL);
CREATE TABLE stock (LIKE public.stock INCLUDING ALL) WITH (fillfactor = 50);
CREATE TABLE reservations (LIKE public.reservations INCLUDING ALL) WITH (fillfactor = 70);
CREATE TABLE orders (LIKE public.orders INCLUDING ALL);
CREATE TABLE idempotency_keys (LIKE public.idempotency_keys INCLUDING ALL) WITH (fillfactor = 70);
CREATE TABLE payments (LIKE public.payments INCLUDING ALL);
CREATE TABLE notifications (LIKE public.notifications INCLUDING ALL);

CREATE TEMPORARY TABLE numbered AS
    SELECT 'P-' || row_number() OVER (ORDER BY sku) AS new_sku, * FROM public.products;
INSERT INTO products (sku, name, description, category, price, currency)
    SELECT new_sku, name, description, category, price, currency FROM numbered;
INSERT INTO stock (sku, initial, available) SELECT new_sku, 1000000, 1000000 FROM numbered;
ANALYZE products, stock;
