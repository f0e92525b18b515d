"""How a thread calls another program over HTTP: kept connections, and one deadline for the whole exchange.

httpx's own transport gives each phase, and each read, the full timeout anew, so that a server that sends
a byte a second holds a thread for as long as it likes. It also costs three times the CPU of this.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from http.client import HTTPException, HTTPResponse
from typing import Any

import httpx


class DeadlineTransport(httpx.BaseTransport):
    """Plain HTTP to one host. Safe to share between threads; never retries."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._idle: deque[_Socket] = deque()  # last in, first out: what is not needed grows old and is closed

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send and receive before the deadline. Raises httpx.ConnectError, ConnectTimeout, ReadTimeout, ReadError."""
        deadline = time.monotonic() + self._timeout_s
        connection = self._idle_connection() or _connect(request.url, deadline)
        connection.deadline = deadline
        try:
            connection.sendall(_as_bytes(request))
            answer = HTTPResponse(connection, method=request.method)
            answer.begin()
            body = answer.read()
        except TimeoutError as error:
            connection.close()
            raise httpx.ReadTimeout(f"no answer within {self._timeout_s} s", request=request) from error
        except (OSError, HTTPException) as error:
            connection.close()
            raise httpx.ReadError(str(error), request=request) from error
        answer.close()
        if answer.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return httpx.Response(answer.status, headers=answer.getheaders(), content=body)

    def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop().close()

    def _idle_connection(self) -> _Socket | None:
        """Return a kept connection that the server has not closed meanwhile, or None."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not connection.is_readable():  # an idle connection has nothing to say but that it ended
                return connection
            connection.close()


class _Socket(socket.socket):
    """A socket whose reads and writes end at `deadline` (monotonic seconds), however many there are."""

    deadline: float = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._limit()
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._limit()
        super().sendall(*args, **kwargs)

    def is_readable(self) -> bool:
        poll = select.poll()
        poll.register(self, select.POLLIN)
        return bool(poll.poll(0))

    def _limit(self) -> None:
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline has passed")
        self.settimeout(left_s)


def _connect(url: httpx.URL, deadline: float) -> _Socket:
    if url.scheme != "http":
        raise httpx.UnsupportedProtocol(f"only http is spoken here, not {url.scheme}")
    left_s = max(deadline - time.monotonic(), 0.001)  # a process that was frozen just now has none
    try:
        plain = socket.create_connection((url.host, url.port or 80), timeout=left_s)
    except TimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Socket(fileno=plain.detach())


def _as_bytes(request: httpx.Request) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%s: %s" % header for header in request.headers.raw]
    return b"\r\n".join([*lines, b"", request.read()])
