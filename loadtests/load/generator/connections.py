"""Connections for open arrivals: many at once, one attempt each, and no hidden cost per request."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from gevent import monkey
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool

_poll = monkey.get_original("select", "poll")


class OneAttemptPool(ConnectionPool):
    """A pool of keep-alive connections that does not try again behind our back."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # HTTPClient.request repeats a GET up to `size + 1` times when its connection breaks, within one request:
        # a crash of the shop would look like a slow answer. The pool has its queue and semaphore by now.
        self.size = -1
        self._addresses: Any = None

    def _resolve(self) -> Any:
        if self._addresses is None:  # gevent would ask its thread pool for every connection
            self._addresses = super()._resolve()
        return self._addresses

    def _is_socket_alive(self, sock: Any) -> bool:
        # The library asks select(), which fails for descriptors above 1023; each such connection would be thrown away.
        if sock is None or sock.fileno() < 0:
            return False
        poll = _poll()
        poll.register(sock.fileno(), 1)
        return not poll.poll(0)


class OneAttemptTlsPool(OneAttemptPool, SSLConnectionPool):
    """The same over TLS. Who signed the shop's certificate is checked."""


def client_pool(host: str, *, concurrency: int, timeout_s: float) -> HTTPClientPool:
    """Return the pool for `host` (an http or https URL) that a FastHttpUser takes as `client_pool`."""
    timeouts = {"connection_timeout": timeout_s, "network_timeout": timeout_s}
    clients = HTTPClientPool(concurrency=concurrency, **timeouts)
    client = clients.get_client(host)
    settings: dict[str, Any] = {
        "connection_host": client.host,
        "connection_port": client.port,
        "request_host": client.host,
        "request_port": client.port,
        "size": concurrency,
        **timeouts,
    }
    if urlsplit(host).scheme == "https":
        client._connection_pool = OneAttemptTlsPool(ssl_options=trusted(), **settings)
    else:
        client._connection_pool = OneAttemptPool(**settings)
    return clients


def trusted() -> dict[str, str]:
    """Return whose signatures on certificates are believed: an own authority's, where SSL_CERT_FILE names one."""
    file = os.environ.get("SSL_CERT_FILE")
    return {"ca_certs": file} if file else {}
