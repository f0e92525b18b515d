"""The way in for experiments: passes connections on to parts that have no port on the machine.

`python relay.py '{"18291": ["catalog-db", 5432]}'` runs in a container of its own that is in all of a shop's networks,
and belongs to nobody's budget. Names are looked up for each connection, so that parts may come and go. It knows
nothing but the standard library.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys

CONNECT_WITHIN_S = 2.0
CHUNK_BYTES = 1 << 16


async def serve(ways: dict[str, tuple[str, int]]) -> None:
    """Listen on every port of `ways` and pass connections on to its (host, port), until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    for port, (host, there) in ways.items():

        async def pass_on(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str = host, there: int = there
        ) -> None:
            await _pass_on(reader, writer, host, there)

        await asyncio.start_server(pass_on, "0.0.0.0", int(port))  # noqa: S104  (in a container)
    await stopping.wait()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    try:
        far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT_WITHIN_S)
    except (OSError, TimeoutError):
        writer.transport.abort()  # a reset: nobody is there
        return
    await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer), return_exceptions=True)
    writer.transport.abort()
    far_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
