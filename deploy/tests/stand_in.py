"""A stand-in for an application: a small HTTP server that can be slow, reset a connection, or refuse to start.

`?sleep_ms=N` answers late, and SLEEP_MS=N always; `?reset` drops the connection after the request was read; `?garbage`
answers no HTTP; everything else is answered with what was received.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from urllib.parse import parse_qs, urlsplit


async def _serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while request_line := await reader.readline():
            method, target, _ = request_line.decode().split(" ", 2)
            headers = {}
            while (line := await reader.readline()).strip():
                name, _, value = line.decode().partition(":")
                headers[name.strip().lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            if not await _answer(writer, method, target, headers, body):
                break
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _answer(writer: asyncio.StreamWriter, method: str, target: str, headers: dict[str, str], body: bytes) -> bool:
    split = urlsplit(target)
    query = parse_qs(split.query, keep_blank_values=True)
    if split.path == "/readyz" and os.environ.get("UNREADY"):
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        return True
    if "reset" in query:
        writer.transport.abort()
        return False
    if "garbage" in query:
        writer.write(b"no HTTP at all\r\n\r\n")
        return False
    always_ms = os.environ.get("SLEEP_MS", "0")
    await asyncio.sleep(float(query.get("sleep_ms", [always_ms])[0]) / 1000)
    answer = {
        "method": method,
        "path": split.path,
        "pid": os.getpid(),
        "replica": os.environ.get("REPLICA"),
        "setting": os.environ.get("SETTING"),
        "headers": headers,
        "body_bytes": len(body),
    }
    content = json.dumps(answer).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await writer.drain()
    return True


async def _main() -> None:
    if os.environ.get("REFUSE"):
        sys.exit("stand-in: told to refuse")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(_serve_connection, os.environ["HOST"], int(os.environ["PORT"]))
    await stop.wait()
    server.close()  # idle connections are dropped at the end of the process


if __name__ == "__main__":
    asyncio.run(_main())
