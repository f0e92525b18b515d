-- The schema of the notifications, as its migrations leave it: a test holds the two together.
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    kind text NOT NULL,
    customer_id text NOT NULL,
    email text NOT NULL,
    total bigint NOT NULL,
    currency text NOT NULL,
    message_id text NOT NULL,
    status text NOT NULL DEFAULT 'queued' CONSTRAINT notification_status_known CHECK (status IN ('queued', 'sent', 'undeliverable')),
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    CONSTRAINT notifications_once UNIQUE (order_id, kind),
    traceparent text
);
CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    consumer text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX inbox_by_age ON inbox (received_at);
CREATE INDEX notifications_by_customer ON notifications (customer_id, id);
CREATE INDEX notifications_queued ON notifications (next_attempt_at) WHERE status = 'queued';
CREATE VIEW v_notifications AS SELECT order_id, kind, status, message_id, customer_id FROM notifications;
CREATE VIEW v_unfinished AS
SELECT 'mail' AS kind, id::text AS id, status AS state, extract(epoch FROM now() - created_at)::float AS age_s
FROM notifications WHERE status = 'queued';
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0004');
