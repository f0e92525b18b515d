"""Requests that no client library would send: half a header, half a body, a header of 20 KiB."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 12.0
HALF_A_HEADER = b"GET /products HTTP/1.1\r\nHost: shop.example\r\nX-Half: "
HALF_A_BODY = (
    b"POST /orders HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n"
    b'Content-Length: 100\r\n\r\n{"lines": ['
)


@dataclass(frozen=True)
class RawAnswer:
    """What came back on the wire. `status` 0: the connection was closed without an answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    after_s: float = 0.0

    def json(self) -> Any:
        """Return the body decoded."""
        return json.loads(self.body)


def send_raw(url: str, request: bytes, *, patience_s: float = PATIENCE_S) -> RawAnswer:
    """Send these bytes, nothing more, and return what comes back before the connection is closed."""
    address = urlsplit(url)
    began = time.monotonic()
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=patience_s) as connection:
        connection.sendall(request)
        try:
            while not _is_complete(received) and (chunk := connection.recv(65536)):
                received += chunk
        except ConnectionResetError:
            pass
    return _parse(received, time.monotonic() - began)


class SlowSender:
    """Sends a part of a request in a thread of its own, so that the wait for 408 costs nobody's time."""

    def __init__(self, url: str, request: bytes) -> None:
        self._answer: RawAnswer | None = None

        def send() -> None:
            self._answer = send_raw(url, request)

        self._thread = threading.Thread(target=send, daemon=True)
        self._thread.start()

    def answer(self) -> RawAnswer:
        """Wait for the answer and return it."""
        self._thread.join(PATIENCE_S + 1)
        assert self._answer is not None, f"no answer within {PATIENCE_S:g} s: a slow sender is kept waiting for ever"
        return self._answer


def _is_complete(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    return bool(separator) and len(body) >= int(_headers(head).get("content-length", "0"))


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _parse(received: bytes, after_s: float) -> RawAnswer:
    head, _, body = received.partition(b"\r\n\r\n")
    if not head:
        return RawAnswer(0, after_s=after_s)
    return RawAnswer(int(head.split(b" ", 2)[1]), _headers(head), body, after_s)
