"""A call has one deadline, and its failures say whether anything can have happened."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Awaitable, Callable

import httpx
import pytest

from microservices.kit.peers import Peer
from shared.domain.errors import Unanswered, Unreached
from shared.platform import tracing
from shared.platform.metrics import Metrics

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.readuntil(b"\r\n\r\n")
    trace = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"x-request-id")).split(b": ")[1]
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(trace), trace))


async def drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte every now and then: no single wait is long, the whole is."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(20):
        writer.write(b".")
        await asyncio.sleep(0.1)


async def hangs_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


def call(handler: Handler | None) -> httpx.Response:
    """POST to a server that behaves like this; None: to a port where nobody listens."""

    async def run() -> httpx.Response:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        closed = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert handler is not None
            with contextlib.suppress(OSError):
                await handler(reader, writer)
                writer.close()
                await writer.wait_closed()
            closed.set()

        server = await asyncio.start_server(serve, "127.0.0.1", port) if handler else None
        peer = Peer("peer", f"http://127.0.0.1:{port}", deadline_s=0.5, metrics=Metrics())
        tracing.begin("trace-1")
        try:
            return await peer.post("/path", b"{}")
        finally:
            await peer.close()
            if server is not None:
                await closed.wait()
                server.close()

    return asyncio.run(run())


def test_an_answer_comes_back_and_the_trace_goes_along() -> None:
    assert call(answers).content == b"trace-1"


def test_nobody_there_means_that_surely_nothing_was_done() -> None:
    with pytest.raises(Unreached):
        call(None)


@pytest.mark.parametrize("handler", [drips, hangs_up])
def test_a_call_that_was_sent_may_have_been_done(handler: Handler) -> None:
    with pytest.raises(Unanswered):
        call(handler)
    gc.collect()  # a connection that was left open would be told now, and fail this test


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses connections")
def test_whoever_does_not_even_connect_is_away_before_the_deadline() -> None:
    async def run(port: int) -> None:
        peer = Peer("peer", f"http://127.0.0.1:{port}", deadline_s=0.6, metrics=Metrics())
        try:
            await peer.post("/", b"{}")
        finally:
            await peer.close()

    with contextlib.ExitStack() as opened:
        deaf = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = deaf.getsockname()[1]
        for _ in range(4):  # nobody accepts them, so that the queue is full and further ones get no answer
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        with pytest.raises(Unreached):
            asyncio.run(run(port))
