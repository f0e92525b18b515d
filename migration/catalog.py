"""The catalog: two tables of the monolith are one of the service; reservations by line, reservations by order."""

from __future__ import annotations

from migration.keys import keys_of
from migration.records import Module, Record, TableLayout, names_of, replaced

_DESCRIPTION = "sku text, name text, description text, category text, price bigint, currency text"
_PILES = "initial bigint, restocked bigint, available bigint, reserved bigint, sold bigint"
_DESCRIPTION_NAMES, _PILE_NAMES = names_of(_DESCRIPTION), names_of(_PILES)
_NAMES = f"{_DESCRIPTION_NAMES}, {_PILE_NAMES}"

_PRODUCTS = Record(
    "products",
    "text",
    f"{_DESCRIPTION}, {_PILES}",
    monolith=TableLayout(
        select=f"SELECT sku AS key, {_NAMES} FROM products JOIN stock USING (sku)",
        write=(
            f"INSERT INTO products ({_DESCRIPTION_NAMES}) SELECT {_DESCRIPTION_NAMES} FROM records "
            f"ON CONFLICT (sku) DO UPDATE SET {replaced(_DESCRIPTION_NAMES)}",
            f"INSERT INTO stock (sku, {_PILE_NAMES}) SELECT sku, {_PILE_NAMES} FROM records "
            f"ON CONFLICT (sku) DO UPDATE SET {replaced(_PILE_NAMES)}",
        ),
        delete=(
            "DELETE FROM stock WHERE sku = ANY (%(keys)s::text[])",
            "DELETE FROM products WHERE sku = ANY (%(keys)s::text[])",
        ),
        watched={"products": ("sku",), "stock": ("sku",)},
    ),
    service=TableLayout(
        select=f"SELECT sku AS key, {_NAMES} FROM products",
        write=(
            f"INSERT INTO products ({_NAMES}) SELECT {_NAMES} FROM records "
            f"ON CONFLICT (sku) DO UPDATE SET {replaced(_NAMES)}",
        ),
        delete=("DELETE FROM products WHERE sku = ANY (%(keys)s::text[])",),
        watched={"products": ("sku",)},
    ),
)

# The service keeps names and prices with a reservation; the monolith has them in the order, unless that was given up
# before it knew them. So they are copied and not compared. A tombstone stands for an order that never reserved
# anything: only a service, which messages reach in any order, needs one.
_LINES = "jsonb_agg(jsonb_build_object('sku', {0}, 'quantity', {1}) ORDER BY {0})"
_LINES_OF_ROWS = _LINES.format("sku", "quantity")
_LINES_OF_ALL = _LINES.format("(line ->> 'sku')", "(line -> 'quantity')")
_RESERVATIONS = Record(
    "reservations",
    "uuid",
    "order_id uuid, status text, lines jsonb, priced jsonb",
    monolith=TableLayout(
        select=f"SELECT order_id AS key, order_id, min(status) AS status, {_LINES_OF_ROWS} AS lines, "
        "(SELECT jsonb_agg(jsonb_build_object('sku', line -> 'sku', 'name', line -> 'name', 'quantity', "
        "line -> 'quantity', 'unit_price', line -> 'unit_price' -> 'amount', 'currency', "
        "line -> 'unit_price' -> 'currency')) FROM orders, jsonb_array_elements(orders.lines) AS line "
        "WHERE orders.id = order_id) AS priced FROM reservations GROUP BY order_id",
        write=(
            "INSERT INTO reservations (order_id, sku, quantity, status) "
            "SELECT order_id, line.sku, line.quantity, status FROM records "
            "CROSS JOIN jsonb_to_recordset(lines) AS line (sku text, quantity int) "
            "ON CONFLICT (order_id, sku) DO UPDATE SET quantity = excluded.quantity, status = excluded.status",
        ),
        delete=("DELETE FROM reservations WHERE order_id = ANY (%(keys)s::uuid[])",),
        watched={"reservations": ("order_id",)},
    ),
    service=TableLayout(
        select=f"SELECT order_id AS key, order_id, status, (SELECT {_LINES_OF_ALL} FROM jsonb_array_elements(lines) "
        "AS line) AS lines, lines AS priced FROM reservations WHERE status <> 'tombstone'",
        write=(
            "INSERT INTO reservations (order_id, status, lines) SELECT order_id, status, coalesce(priced, lines) "
            "FROM records ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, lines = excluded.lines",
        ),
        delete=("DELETE FROM reservations WHERE order_id = ANY (%(keys)s::uuid[])",),
        watched={"reservations": ("order_id",)},
    ),
    not_compared=("priced",),
)

MODULE = Module(
    "catalog",
    records=(_PRODUCTS, _RESERVATIONS, keys_of("restock", "gen_random_uuid()")),
    empty={
        "monolith": (
            "DELETE FROM idempotency_keys WHERE operation = 'restock'",
            "TRUNCATE products, stock, reservations",
        ),
        "service": ("TRUNCATE products, reservations, idempotency_keys, inbox",),
    },
)
