"""httpx's own transport tells failures apart as the plain build's does."""

from __future__ import annotations

import asyncio
import socket

import pytest

from microservices.kit.peers import Peer
from shared.domain.errors import Unreached
from shared.platform.metrics import Metrics
from variants.plain_httpx.__main__ import PlainHttpx


def test_a_refused_connection_means_that_surely_nothing_was_done() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        peer = Peer("peer", f"http://127.0.0.1:{port}", deadline_s=0.5, metrics=Metrics(), transport=PlainHttpx())
        try:
            await peer.post("/")
        finally:
            await peer.close()

    with pytest.raises(Unreached):
        asyncio.run(run())
