"""Keeps pages of other web sites out: a browser carries their requests to loopback, and no password guards these parts.

A browser sends an Origin with whatever may change something, and a true one; other tools send none. The Host must be a
name of this machine, or one without a dot as containers have, so that nobody can point a name of his own at it.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from outside.http import error_response

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class OwnPagesOnly:
    """ASGI middleware: refuses, with 403, what a page of another site asks. `origins` are those of our own pages."""

    def __init__(self, app: ASGIApp, origins: Collection[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        if scope["type"] != "http" or self.allows(scope):
            await self._app(scope, receive, send)
            return
        detail = "This address answers no pages of other web sites."
        await error_response(403, "foreign_origin", detail)(scope, receive, send)

    def allows(self, scope: Scope) -> bool:
        """Tell whether a tool asks, or one of our own pages."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        return all(_is_local(host.decode("latin-1")) for host in hosts) and self._origins.issuperset(origins)


def origins_of(addresses: Collection[str]) -> tuple[str, ...]:
    """Return the origins of shops at these addresses, by each name that a browser may know this machine by."""
    loopback = "http://127.0.0.1:"
    other_names = (address.replace(loopback, "http://localhost:") for address in addresses)
    return tuple(dict.fromkeys((*addresses, *other_names)))


def _is_local(host: str) -> bool:
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower() in LOOPBACK or "." not in name
