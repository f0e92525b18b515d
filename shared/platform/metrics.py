"""Metrics in Prometheus' form, the same names in both builds, from one registry an app."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts what a part does: requests, database work, calls, events. One instance an app; never global.

    Without `counting` all of it stays 0: so the ladder measures what counting costs.
    """

    def __init__(self, *, counting: bool = True) -> None:
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
        self.recovered = Counter("recovered", "Work that a recovery loop finished", ["kind"], registry=self.registry)

        if not counting:
            self._stop_counting()

    def _stop_counting(self) -> None:
        for name, metric in vars(self).items():
            if isinstance(metric, Counter | Histogram):
                setattr(self, name, _Uncounted())

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self.registry)


class _Uncounted:
    """Takes what a counter or a histogram takes, and does nothing with it."""

    def labels(self, *_: str) -> _Uncounted:
        return self

    def inc(self, _: float = 1) -> None:
        """Do nothing."""

    def observe(self, _: float) -> None:
        """Do nothing."""
