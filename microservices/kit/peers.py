"""Calls to other parts: one client a process, one deadline a call, and failures told apart."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import lru_cache

import aiohttp
import httpcore
import httpx
from httpx_aiohttp import AiohttpTransport

from shared.domain.errors import Unanswered, Unreached
from shared.platform import tracing
from shared.platform.metrics import Metrics
from shared.platform.tokens import ServiceSigner

# Shorter than any server's keep-alive: a connection that the other side is about to close is not used again.
KEEP_ALIVE_S = 4.0
LIMITS = httpx.Limits(max_connections=200, keepalive_expiry=KEEP_ALIVE_S)
KNOWN_URLS = 64
# Whoever cannot be connected to in half of the deadline is away, and a call to it was surely not made. Of a machine
# or a container that is gone nobody refuses a connection: without this the whole deadline would pass, and say nothing.
CONNECT_SHARE = 0.5
NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, httpcore.ConnectTimeout)
_JSON = "application/json"


def pooled_transport() -> httpx.AsyncBaseTransport:
    """Return what carries the calls: httpx's requests and answers over aiohttp, at a fraction of httpx's own CPU."""
    return AiohttpTransport(limits=LIMITS)


class Peer:
    """One other part. `authorization` is fixed (an API key), or signed for each call by `signer`."""

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        deadline_s: float,
        metrics: Metrics,
        signer: ServiceSigner | None = None,
        authorization: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._deadline_s = deadline_s
        self._limits = {"timeout": {"connect": CONNECT_SHARE * deadline_s}}
        self._metrics = metrics
        self._signer = signer
        self._authorization = authorization
        self._transport = transport or pooled_transport()
        self._url = lru_cache(maxsize=KNOWN_URLS)(self._parse)  # most calls go to one of two addresses

    async def post(self, path: str, body: bytes = b"") -> httpx.Response:
        """Return the answer, whatever its status. Raises Unreached or Unanswered."""
        return await self.call("POST", path, body)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def call(self, method: str, path: str, body: bytes) -> httpx.Response:
        """Send a request, once. Raises Unreached or Unanswered."""
        headers = {"Authorization": self._signer.authorization(self.name) if self._signer else self._authorization}
        if body:
            headers["Content-Type"] = _JSON
        tracing.inject(headers)
        outcome = "unanswered"
        try:
            async with asyncio.timeout(self._deadline_s):
                # Not through httpx's client: cookies, redirects and authentication flows, none of which there is
                # between our parts, take as much CPU as the call itself.
                request = httpx.Request(method, self._url(path), content=body, headers=headers, extensions=self._limits)
                answer = await self._transport.handle_async_request(request)
                async with aclosing(answer):  # a body that does not end in time gives its connection back, too
                    await answer.aread()
            outcome = str(answer.status_code)
            return answer
        except (httpx.HTTPError, TimeoutError) as error:
            # httpx-aiohttp tells a refused connection as a time-out; aiohttp's own error says what it was.
            if isinstance(error, httpx.ConnectError) or isinstance(error.__cause__, NO_CONNECTION):
                outcome = "unreached"
                raise Unreached(f"{self.name} cannot be reached") from error
            # A reset connection is in here too: the request may have been read before the other side fell.
            raise Unanswered(f"{self.name} did not answer: {error or type(error).__name__}") from error
        finally:
            self._metrics.calls.labels(self.name, outcome).inc()

    def _parse(self, path: str) -> httpx.URL:
        return httpx.URL(self._base_url + path)
