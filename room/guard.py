"""Keeps other web sites out: the page kills and starts processes, and a browser carries anybody's requests to loopback.

Two checks on every request and socket: the Host must be ours (against names that are pointed at 127.0.0.1), and the
Origin, which a browser sends with everything that may change something, must be ours as well.
"""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = ("GET", "HEAD", "OPTIONS")
FRAMES = (b"content-security-policy", b"frame-ancestors 'none'")


class OwnPagesOnly:
    """ASGI middleware for a server on loopback `port`."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what our own page asks, and refuse the rest."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif self.allows(scope):
            await self._app(scope, receive, _without_frames(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "another site"})
        else:
            body = b"The control room answers its own page only.\n"
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": body})

    def allows(self, scope: Scope) -> bool:
        """Whether a request comes from our own page, or only reads and says nothing of another origin."""
        headers = dict(scope["headers"])
        if headers.get(b"host", b"").decode("latin-1").lower() not in self._hosts:
            return False
        origin = headers.get(b"origin")
        if origin is not None:
            return origin.decode("latin-1").lower() in self._origins
        # A tool without a browser may read; whoever writes, or opens a socket, must say who it is.
        return scope["type"] == "http" and scope["method"] in READING


def _without_frames(send: Send) -> Any:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), FRAMES]
        await send(message)

    return sending
