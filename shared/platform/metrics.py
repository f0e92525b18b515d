"""Metrics in Prometheus' form, the same names in both builds, from one registry an app."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shared.platform.in_flight import InFlight

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts what a part does: requests, database work, calls, events. One instance an app; never global."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "http_server_request_duration_seconds",
            "Requests served, by route and status",
            ["method", "route", "status"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.db_statements = Counter(
            "db_statements", "Statements sent to the database (round trips)", registry=self.registry
        )
        self.db_commits = Counter("db_commits", "Transactions committed", registry=self.registry)
        self.calls = Counter("http_client_calls", "Calls to other parts", ["peer", "outcome"], registry=self.registry)
        self.events_published = Counter("events_published", "Events published", ["type"], registry=self.registry)
        self.events_consumed = Counter(
            "events_consumed", "Events consumed", ["type", "outcome"], registry=self.registry
        )
        self.mails_sent = Counter("mails_sent", "Mails the mail server took", registry=self.registry)
        self.mails_undeliverable = Counter(
            "mails_undeliverable", "Mails that can never be sent: their address is none", registry=self.registry
        )
        self.refunds_refused = Counter(
            "refunds_refused",
            "Answers of the provider that it owes no refund which the books say it owes",
            registry=self.registry,
        )
        self.webhook_mismatches = Counter(
            "webhook_mismatches",
            "Webhooks ignored, though genuine, because this field differs from the books",
            ["field"],
            registry=self.registry,
        )
        # Saturation, read when somebody asks: nothing is counted on the way but the requests in hand.
        self.in_flight = InFlight()
        self._gauge("http_server_active_requests", "Requests in hand", self.in_flight)
        self.recovered = Counter("recovered", "Work that a recovery loop finished", ["kind"], registry=self.registry)

    def watch_pool(self, in_use: Callable[[], float], limit: int) -> None:
        """Show how many connections of the database pool are in use, and how many there may be."""
        self._gauge("db_pool_connections_in_use", "Connections in use", in_use)
        self._gauge("db_pool_connections_limit", "Connections that there may be", lambda: limit)

    def watch_threads(self, limit: int) -> None:
        """Show how many requests run at a time at most; `http_server_active_requests` says how many do."""
        self._gauge("http_server_threads_limit", "Threads that answer requests", lambda: limit)

    def watch_loop(self, lag_s: Callable[[], float]) -> None:
        """Show how late the event loop was at worst since the last reading."""
        self._gauge("event_loop_lag_seconds", "Worst delay of the event loop since the last reading", lag_s)

    def _gauge(self, name: str, what: str, read: Callable[[], float]) -> None:
        Gauge(name, what, registry=self.registry).set_function(read)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self.registry)
