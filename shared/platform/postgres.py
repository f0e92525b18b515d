"""How long a session may hold others up when its client is gone or frozen: the same in both builds."""

from __future__ import annotations

# A client that is frozen or cut off in a transaction holds its rows for so long at most. Nothing of ours thinks longer
# between two statements; what others wait for a lock (statement time-outs below) is longer.
IDLE_IN_TRANSACTION_MS = 2000
TCP_UNANSWERED_MS = 5000  # packets that nobody acknowledges: the network swallows them, or the machine is gone


def session_settings(statement_timeout_ms: int, idle_in_transaction_ms: int = IDLE_IN_TRANSACTION_MS) -> dict[str, str]:
    """Return the settings of a session, for its start-up packet; 0 is without limit. TCP ones need no TCP."""
    return {
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(idle_in_transaction_ms),
        "client_connection_check_interval": "1000",  # a client that closed ends its statement, too
        "tcp_keepalives_idle": "2",
        "tcp_keepalives_interval": "1",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": str(TCP_UNANSWERED_MS),
    }
