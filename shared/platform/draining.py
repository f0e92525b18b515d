"""A part that was told to stop serves for a moment more, and asks in every answer to be asked nothing else.

Where replicas are found by DNS nobody takes one out before it is stopped, so that a request may meet a connection
that is just being closed, and nobody knows what became of it. The headers close each connection behind an answer
instead, and make Envoy look for another replica at once. The question after its health is answered with 503: Envoy
takes a 200 for its being back, whatever the headers say. DRAIN_S says how long; by default there is no such moment.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

HEADERS = (("Connection", "close"), ("X-Envoy-Immediate-Health-Check-Fail", "true"))
HEALTH_PATH = "/healthz"
_RAW_HEADERS = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class DrainingAsgi:
    """An ASGI application that says in every answer that it drains, once `begin` was called."""

    def __init__(self, app: Callable[[Any, Receive, Send], Awaitable[None]]) -> None:
        self._app = app
        self._draining = False

    def begin(self) -> None:
        """From now on say so. Safe to call in a signal handler."""
        self._draining = True

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if not self._draining:
            await self._app(scope, receive, send)
            return

        is_asked_for_health = scope.get("path") == HEALTH_PATH

        async def send_draining(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = 503 if is_asked_for_health else message["status"]
                message = {**message, "status": status, "headers": [*message.get("headers", ()), *_RAW_HEADERS]}
            await send(message)

        await self._app(scope, receive, send_draining)


class DrainingWsgi:
    """The same for a WSGI application. `begin` may be set in another process."""

    def __init__(self, app: Callable[..., Iterable[bytes]], begin: Any) -> None:
        self._app = app
        self._draining = False
        threading.Thread(target=self._wait, args=(begin,), name="draining", daemon=True).start()

    def _wait(self, begin: Any) -> None:
        begin.wait()
        self._draining = True

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if not self._draining:
            return self._app(environ, start_response)

        is_asked_for_health = environ.get("PATH_INFO") == HEALTH_PATH

        def start_draining(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            draining_status = "503 Service Unavailable" if is_asked_for_health else status
            return start_response(draining_status, [*headers, *HEADERS], *rest)

        return self._app(environ, start_draining)
