"""Notifications, and the views that books are checked by."""

from alembic import op

from microservices.kit.inbox import CREATE_INBOX

revision = "0001"
down_revision = None

NOTIFICATIONS = """
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    kind text NOT NULL,
    customer_id text NOT NULL,
    email text NOT NULL,
    total bigint NOT NULL,
    currency text NOT NULL,
    message_id text NOT NULL,
    status text NOT NULL DEFAULT 'queued' CONSTRAINT notification_status_known CHECK (status IN ('queued', 'sent')),
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    CONSTRAINT notifications_once UNIQUE (order_id, kind)
)"""

VIEWS = (
    "CREATE VIEW v_notifications AS SELECT order_id, kind, status, message_id, customer_id FROM notifications",
    """
    CREATE VIEW v_unfinished AS
    SELECT 'mail' AS kind, id::text AS id, status AS state, extract(epoch FROM now() - created_at)::float AS age_s
    FROM notifications WHERE status = 'queued'""",
)


def upgrade() -> None:
    """Create everything."""
    op.execute(NOTIFICATIONS)
    op.execute(CREATE_INBOX)
    op.execute("CREATE INDEX notifications_by_customer ON notifications (customer_id, id)")
    op.execute("CREATE INDEX notifications_queued ON notifications (next_attempt_at) WHERE status = 'queued'")
    for view in VIEWS:
        op.execute(view)
