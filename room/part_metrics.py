"""What flows behind the edge, from the parts' own metrics: statements, events, calls to the provider, mails."""

from __future__ import annotations

import http.client
import re
from collections import Counter

TIMEOUT_S = 0.8
LINES = re.compile(
    rb'^(db_statements|events_published|mails_sent|http_client_calls(?=_total\{[^}]*peer="provider"))_total'
    rb"(?:\{[^}]*\})? (\S+)",
    re.MULTILINE,
)
LINK = {
    b"db_statements": "database",
    b"events_published": "broker",
    b"mails_sent": "mail",
    b"http_client_calls": "provider",
}


class MetricsReader:
    """One replica's counters, by the kind of link they flow along: database, broker, provider, mail."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._last: Counter[str] | None = None

    def read(self) -> Counter[str]:
        """Return what flowed since the last call; nothing at the first one, or where nobody answers."""
        try:
            self._connection.request("GET", "/metrics")
            text = self._connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return Counter()
        now = decode(text)
        last, self._last = self._last, now
        if last is None or any(now[name] < count for name, count in last.items()):
            return Counter()
        return now - last


def decode(text: bytes) -> Counter[str]:
    """Add up the counters that say something about a link."""
    counts: Counter[str] = Counter()
    for name, value in LINES.findall(text):
        counts[LINK[name]] += int(float(value))
    return counts
