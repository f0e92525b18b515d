"""Keeps pages of other web sites away from what listens on loopback: a browser carries anybody's requests there.

A browser sends an Origin, and a true one, with whatever may change something and whenever it opens a socket; other
tools send none. The Host must be a name of this machine, or one without a dot as containers have, so that nobody can
point a name of his own at it. Decision record 33 says what guards which interface.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FRAMES = (b"content-security-policy", b"frame-ancestors 'none'")
_READING = ("GET", "HEAD", "OPTIONS")
_REFUSAL = b"This address answers no pages of other web sites.\n"

WsgiApp = Callable[..., Iterable[bytes]]


class OwnPagesOnly:
    """ASGI middleware: refuses, with 403 or a closed socket, what a page of another site asks.

    `origins` are those of our own pages. `is_page`: they are served here, and only they may write or open a socket;
    no site may put them into a frame.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str] = (), *, is_page: bool = False) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif self.allows(scope):
            await self._app(scope, receive, _without_frames(send) if self._is_page else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "another site"})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": _REFUSAL})

    def allows(self, scope: Scope) -> bool:
        """Tell whether one of our own pages asks, or a tool what it may ask."""
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if not _is_ours(hosts, origins, self._origins):
            return False
        return bool(origins) or not self._is_page or (scope["type"] == "http" and scope["method"] in _READING)


def own_page_only(app: WsgiApp) -> WsgiApp:
    """Return a WSGI application that answers tools and the page that it serves itself, and 403 to other sites."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        origins = [environ["HTTP_ORIGIN"]] if "HTTP_ORIGIN" in environ else []
        if _is_ours([host], origins, {f"http://{host}"}):
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [_REFUSAL]

    return guarded


def origins_of(addresses: Collection[str]) -> tuple[str, ...]:
    """Return the origins of pages at these addresses, by each name that a browser may know this machine by."""
    loopback = "http://127.0.0.1:"
    names = [address.replace(loopback, f"http://{name}:") for address in addresses for name in ("localhost", "[::1]")]
    return tuple(dict.fromkeys((*addresses, *names)))


def _is_ours(hosts: Sequence[str], sent: Sequence[str], origins: Collection[str]) -> bool:
    return bool(hosts) and all(map(_is_local, hosts)) and set(origins).issuperset(sent)


def _is_local(host: str) -> bool:
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower() in LOOPBACK or (bool(name) and "." not in name)


def _without_frames(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), FRAMES]
        await send(message)

    return sending
