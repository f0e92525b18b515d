"""Products with their stock, reservations, and the views that books are checked by."""

from alembic import op

from microservices.kit.idempotency import CREATE_KEYS
from microservices.kit.inbox import CREATE_INBOX

revision = "0001"
down_revision = None

PRODUCTS = """
CREATE TABLE products (
    sku text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    category text COLLATE "C" NOT NULL,
    price bigint NOT NULL CONSTRAINT price_not_negative CHECK (price >= 0),
    currency text NOT NULL,
    initial bigint NOT NULL DEFAULT 0,
    restocked bigint NOT NULL DEFAULT 0,
    available bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    sold bigint NOT NULL DEFAULT 0,
    search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', name || ' ' || description)) STORED,
    CONSTRAINT stock_not_negative CHECK (available >= 0 AND reserved >= 0 AND sold >= 0),
    CONSTRAINT stock_adds_up CHECK (initial + restocked = available + reserved + sold)
) WITH (fillfactor = 70)"""

RESERVATIONS = """
CREATE TABLE reservations (
    order_id uuid PRIMARY KEY,
    status text NOT NULL CONSTRAINT reservation_status_known
        CHECK (status IN ('reserved', 'sold', 'released', 'returned', 'tombstone')),
    lines jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80)"""

VIEWS = (
    "CREATE VIEW v_stock AS SELECT sku, initial, restocked, available, reserved, sold FROM products",
    """
    CREATE VIEW v_reservations AS
    SELECT r.order_id, line.sku, line.quantity, r.status
    FROM reservations r LEFT JOIN LATERAL jsonb_to_recordset(r.lines) AS line (sku text, quantity bigint) ON true""",
    """
    CREATE VIEW v_unfinished AS
    SELECT 'reservation' AS kind, order_id::text AS id, status AS state,
           extract(epoch FROM now() - updated_at)::float AS age_s
    FROM reservations WHERE status = 'reserved'""",
)


def upgrade() -> None:
    """Create everything."""
    for statement in (PRODUCTS, RESERVATIONS, CREATE_INBOX, CREATE_KEYS):
        op.execute(statement)
    op.execute("CREATE INDEX products_by_category ON products (category, sku)")
    op.execute("CREATE INDEX products_by_text ON products USING gin (search)")
    for view in VIEWS:
        op.execute(view)
