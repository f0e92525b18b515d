"""A short conversation with a stack's broker: connected for it, and closed after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from deploy.model.errors import NotRunning

if TYPE_CHECKING:
    from nats.js import JetStreamContext

T = TypeVar("T")
CONNECT_TIMEOUT_S = 2


def with_broker(url: str, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    """Return what `work` returns of the broker's streams. Raises NotRunning if the broker is away, or goes away."""
    import nats  # noqa: PLC0415  (only needed here, and not light)

    async def connected() -> T:
        client = await nats.connect(url, connect_timeout=CONNECT_TIMEOUT_S, allow_reconnect=False)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    try:
        return asyncio.run(connected())
    except (OSError, nats.errors.Error) as error:
        raise NotRunning(f"The broker cannot be reached: {error or type(error).__name__}") from error
