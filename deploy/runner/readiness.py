"""Asks a part whether it is ready: over HTTP, or as a PostgreSQL client would."""

from __future__ import annotations

import asyncio
import contextlib
import struct

from deploy.model.parts import Part, Probe

PROBE_EVERY_S = 0.05
PROBE_TIMEOUT_S = 1.0
POSTGRES_PROTOCOL = 196608  # 3.0


async def wait_until_ready(part: Part, replica: int) -> None:
    """Return when the replica answers that it is ready; ask every 50 ms, for ever."""
    port = part.port(part.probe.port, replica)
    while not await is_ready(part, port):  # noqa: ASYNC110  (another process has no event for us)
        await asyncio.sleep(PROBE_EVERY_S)


async def is_ready(part: Part, port: int) -> bool:
    """Ask once."""
    ask = _takes_log_ins(port, part.database) if part.probe.kind == "postgres" else _answers(port, part.probe)
    try:
        return await asyncio.wait_for(ask, PROBE_TIMEOUT_S)
    except (OSError, TimeoutError):
        return False


async def _answers(port: int, probe: Probe) -> bool:
    request = f"GET {probe.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    first_line = await _exchange(port, request.encode(), until_newline=True)
    return first_line.split(b" ")[1:2] == [str(probe.status).encode()]


async def _takes_log_ins(port: int, database: str) -> bool:
    """Send PostgreSQL's start-up message: 'R' asks who we are, 'E' says that it is still starting.

    An open port is not enough: the server listens before it has recovered.
    """
    words = b"".join(word.encode() + b"\0" for word in ("user", database, "database", database)) + b"\0"
    message = struct.pack("!ii", len(words) + 8, POSTGRES_PROTOCOL) + words
    return await _exchange(port, message) == b"R"


async def _exchange(port: int, message: bytes, *, until_newline: bool = False) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(message)
        return await (reader.readline() if until_newline else reader.read(1))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
