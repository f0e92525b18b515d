"""`python -m variants.plain_httpx orders`: httpx's own client over its own transport, several times aiohttp's CPU."""

from __future__ import annotations

import httpx

from microservices.kit.peers import LIMITS
from microservices.kit.runtime import ServiceRuntime
from variants.services import main


class PlainHttpx(httpx.AsyncBaseTransport):
    """All that httpx's client does around a request."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(limits=LIMITS, timeout=None, trust_env=False)  # noqa: S113  (`Peer` has one)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        return await self._client.send(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class PlainHttpxRuntime(ServiceRuntime):
    """Calls other parts by httpx alone."""

    def transport(self, peer: str) -> httpx.AsyncBaseTransport:
        """Return what carries the calls to a peer."""
        return PlainHttpx()


if __name__ == "__main__":
    main(PlainHttpxRuntime)
