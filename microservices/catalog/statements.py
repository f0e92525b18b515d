"""The SQL of the catalog. Each step is one statement, so one round trip, and none is built during a request."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, TextClause, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from microservices.catalog.tables import products, reservations

_shown = (
    products.c.sku,
    products.c.name,
    products.c.description,
    products.c.category,
    products.c.price,
    products.c.currency,
    products.c.available,
)

PRODUCT = select(*_shown).where(products.c.sku == bindparam("sku"))

CATEGORIES = (
    select(products.c.category.label("name"), func.count().label("product_count"))
    .group_by(products.c.category)
    .order_by(products.c.category)
)


def _page(*, by_text: bool, by_category: bool) -> Select[Any]:
    page = select(*_shown).where(products.c.sku > bindparam("after"))
    if by_text:
        words = func.websearch_to_tsquery(text("'simple'"), bindparam("query"))
        page = page.where(products.c.search.bool_op("@@")(words))
    if by_category:
        page = page.where(products.c.category == bindparam("category"))
    return page.order_by(products.c.sku).limit(bindparam("row_count"))


# (by text, by category) -> a keyset page.
PAGES = {(q, c): _page(by_text=q, by_category=c) for q in (False, True) for c in (False, True)}

_SAID = ("name", "description", "category", "price", "currency")  # what an admin says about a product
_new = insert(products).values({name: bindparam(name) for name in ("sku", *_SAID)})
PUT_PRODUCT = _new.on_conflict_do_update(
    index_elements=["sku"], set_={name: _new.excluded[name] for name in _SAID}
).returning(*_shown)

RESTOCK = (
    update(products)
    .where(products.c.sku == bindparam("of_sku"))
    .values(
        restocked=products.c.restocked + bindparam("quantity"), available=products.c.available + bindparam("quantity")
    )
    .returning(*_shown)
)

# Price and reserve. Rows are locked in sku order, so that no two orders wait for each other; the reservation is
# written only if every line fits, and stock is taken only if the reservation was written. An order that is known
# already locks nothing. Answers one row for each product found; `reserved` says whether it happened.
RESERVE: TextClause = text("""
WITH wanted AS (
    SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:quantities AS bigint[]))
             WITH ORDINALITY AS line (sku, quantity, position)
), locked AS (
    SELECT p.sku, p.name, p.price, p.currency, p.available, wanted.quantity, wanted.position
    FROM wanted JOIN products p ON p.sku = wanted.sku
    WHERE NOT EXISTS (SELECT 1 FROM reservations WHERE order_id = CAST(:order_id AS uuid))
    ORDER BY p.sku
    FOR NO KEY UPDATE OF p
), reserved AS (
    INSERT INTO reservations (order_id, status, lines)
    SELECT CAST(:order_id AS uuid), 'reserved',
           jsonb_agg(jsonb_build_object('sku', sku, 'name', name, 'quantity', quantity,
                                        'unit_price', price, 'currency', currency) ORDER BY position)
    FROM locked
    HAVING count(*) = cardinality(CAST(:skus AS text[]))
       AND bool_and(available >= quantity)
       AND (CAST(:expected AS bigint) IS NULL OR sum(price * quantity) = CAST(:expected AS bigint))
    ON CONFLICT DO NOTHING
    RETURNING order_id
), taken AS (
    UPDATE products
    SET available = products.available - locked.quantity, reserved = products.reserved + locked.quantity
    FROM locked
    WHERE products.sku = locked.sku AND EXISTS (SELECT 1 FROM reserved)
)
SELECT sku, name, price, currency, available, quantity, EXISTS (SELECT 1 FROM reserved) AS reserved
FROM locked ORDER BY position
""")

RESERVATION = select(reservations.c.status, reservations.c.lines).where(
    reservations.c.order_id == bindparam("order_id")
)

# A release of an order that is not here refuses the reservation that may still come (rule 5).
BURY: TextClause = text("""
INSERT INTO reservations (order_id, status, lines)
SELECT order_id, 'tombstone', '[]' FROM unnest(CAST(:order_ids AS uuid[])) AS order_id ORDER BY order_id
ON CONFLICT DO NOTHING
""")

# The pieces of many orders go from pile to pile at once: orders in the order of their ids, then products in that of
# their skus, as when reserving. A step that was done, or that came too late, is not among the four and moves nothing.
MOVE: TextClause = text("""
WITH asked AS (
    SELECT * FROM unnest(CAST(:order_ids AS uuid[]), CAST(:targets AS text[])) AS asked (order_id, target)
), held AS (
    SELECT r.order_id, r.status, r.lines, asked.target
    FROM asked JOIN reservations r ON r.order_id = asked.order_id
    WHERE (r.status, asked.target) IN
          (('reserved', 'sold'), ('reserved', 'released'), ('reserved', 'returned'), ('sold', 'returned'))
    ORDER BY r.order_id
    FOR NO KEY UPDATE OF r
), moved AS (
    UPDATE reservations SET status = held.target, updated_at = now()
    FROM held WHERE reservations.order_id = held.order_id
), piles AS (
    SELECT line.sku,
           sum(CASE held.status WHEN 'reserved' THEN line.quantity ELSE 0 END) AS from_reserved,
           sum(CASE held.status WHEN 'sold' THEN line.quantity ELSE 0 END) AS from_sold,
           sum(CASE held.target WHEN 'sold' THEN line.quantity ELSE 0 END) AS to_sold,
           sum(CASE held.target WHEN 'sold' THEN 0 ELSE line.quantity END) AS to_available
    FROM held CROSS JOIN jsonb_to_recordset(held.lines) AS line (sku text, quantity bigint)
    GROUP BY line.sku
), locked AS (
    SELECT piles.* FROM piles JOIN products p ON p.sku = piles.sku ORDER BY p.sku FOR NO KEY UPDATE OF p
)
UPDATE products
SET reserved = products.reserved - locked.from_reserved,
    sold = products.sold - locked.from_sold + locked.to_sold,
    available = products.available + locked.to_available
FROM locked WHERE products.sku = locked.sku
""")
