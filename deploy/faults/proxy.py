"""Passes TCP connections on between the parts of a stack, and does to them what a bad network does.

`python proxy.py FOLDER ['{"18291": ["catalog-db", 5432]}']` listens on the ports that its argument names, which are the
way into containers, and on those that `FOLDER/tcp.json` names while that is there:

    {"18260": {"to": ["orders-db", 5432], "trouble": {"latency_ms": 200, "first": 3}}}

What it does by now is in `FOLDER/tcp-in-force.json`, word for word. A proxy without listeners of its own ends when
the file is gone. Names are looked up for each connection, so that parts may come and go. It knows nothing but the
standard library, and in a container it runs with no rights at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import signal
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG, IN_FORCE = "tcp.json", "tcp-in-force.json"
CONNECT_WITHIN_S = 2.0
CHUNK_BYTES = 1 << 16
SLICE_S = 0.05  # a narrow line passes on so much at once as it takes in that time
LOOK_EVERY_S = 0.05
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # Linux; Python has no names for them
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # classic BPF: `ret #0`


@dataclass(frozen=True)
class Trouble:
    """What happens to connections of a listener: to all, or to the `first` so many of them, open ones before new ones.

    `latency_ms` is added to whatever is sent, in either direction; `limit_bytes` of answers come, then the connection
    is closed; `swallow`: packets vanish and nobody is told.
    """

    latency_ms: float = 0
    bytes_per_s: float = 0
    limit_bytes: int = 0
    reset: bool = False
    swallow: bool = False
    first: int = 0


NONE = Trouble()


class ProxyConnection:
    """A connection that came in, and the one that goes on from here."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trouble: Trouble) -> None:
        self._near = (reader, writer)
        self._writers = [writer]
        self._changed = asyncio.Event()
        self.set_trouble(trouble)

    def set_trouble(self, trouble: Trouble) -> None:
        """Have this trouble from now on, in the place of any other."""
        self._trouble, self._remaining = trouble, trouble.limit_bytes
        for writer in self._writers:
            _swallow(writer.get_extra_info("socket"), on=trouble.swallow)
        if trouble.reset:
            self.reset()
        self._changed.set()
        self._changed = asyncio.Event()

    async def run(self, host: str, port: int) -> None:
        """Pass on what is said until both sides have said all, or one is gone."""
        await self._while_swallowed()
        if self._writers[0].is_closing():
            return
        try:
            far = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT_WITHIN_S)
        except (OSError, TimeoutError):
            self.reset()  # nobody is there
            return
        self._writers.append(far[1])
        self.set_trouble(self._trouble)
        try:
            await asyncio.gather(self._copy(self._near[0], far[1]), self._copy(far[0], self._near[1], answers=True))
        except OSError:
            self.reset()
        else:
            self._close()

    def reset(self) -> None:
        """Cut the connection by an RST to both sides, also in the midst of a sentence."""
        for writer in self._writers:
            with contextlib.suppress(OSError):  # closed already
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            writer.transport.abort()

    def _close(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        while chunk := await reader.read(self._most()):
            rate = self._trouble.bytes_per_s
            await self._pause(self._trouble.latency_ms / 1000 + (len(chunk) / rate if rate else 0))
            await self._while_swallowed()
            limit = self._remaining if answers and self._trouble.limit_bytes else len(chunk)
            writer.write(chunk[:limit])
            await writer.drain()
            if limit < len(chunk):
                self._close()  # no reset, so that what has been sent arrives
                return
            self._remaining -= len(chunk) if answers else 0
        await self._while_swallowed()
        if writer.can_write_eof():
            writer.write_eof()

    def _most(self) -> int:
        rate = self._trouble.bytes_per_s
        return max(1, min(CHUNK_BYTES, int(rate * SLICE_S))) if rate else CHUNK_BYTES

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the next change."""
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), seconds)

    async def _while_swallowed(self) -> None:
        while self._trouble.swallow:
            await self._changed.wait()


class Listener:
    """A port that is listened on, and where its connections go. Nothing is listened on until it is opened."""

    def __init__(self, port: int, to: tuple[str, int]) -> None:
        self.port, self.to = port, to
        self._trouble, self._remaining = NONE, 0
        self._connections: dict[ProxyConnection, None] = {}  # a set in the order of their coming

    async def open(self, host: str) -> None:
        """Listen. Raises OSError."""
        self._server = await asyncio.start_server(self._come, host, self.port)

    def close(self) -> None:
        """Listen no more, and cut what is open."""
        self._server.close()
        for connection in list(self._connections):
            connection.reset()

    def set_trouble(self, trouble: Trouble) -> None:
        """Let the connections have this trouble, in the place of any other; nothing happens if they have it."""
        if trouble == self._trouble:
            return
        self._trouble, self._remaining = trouble, trouble.first
        for socket_ in self._server.sockets:  # not even a connection can be made
            _swallow(socket_, on=trouble.swallow and not trouble.first)
        for connection in self._connections:
            connection.set_trouble(self._next())

    def _next(self) -> Trouble:
        if not self._trouble.first:
            return self._trouble
        self._remaining -= 1
        return self._trouble if self._remaining >= 0 else NONE

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ProxyConnection(reader, writer, self._next())
        self._connections[connection] = None
        with contextlib.suppress(asyncio.CancelledError):  # the proxy ends
            await connection.run(*self.to)
        del self._connections[connection]


def _swallow(sock: Any, *, on: bool) -> None:
    """Let the kernel drop what arrives at a socket before TCP sees it, so that the other side gets no acknowledgement.

    The system of a side that has given up answers the next packet with a reset, as after any partition; we send one
    soon. Other systems than Linux have no such filter: there the data stays here, unanswered but acknowledged.
    """
    if sys.platform != "linux":
        return
    code = ctypes.create_string_buffer(DROP_ALL)
    filters = struct.pack("HP", 1, ctypes.addressof(code))
    with contextlib.suppress(OSError):  # closed meanwhile, or there was no filter to take away
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER if on else SO_DETACH_FILTER, filters)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, not on)
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 5)):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


class Proxy:
    """All listeners: those that it was started with, and those that the file in its folder names."""

    def __init__(self, folder: Path, host: str, static: Mapping[int, tuple[str, int]]) -> None:
        self._folder, self._host = folder, host
        self._static = [Listener(port, to) for port, to in static.items()]
        self._dynamic: dict[int, Listener] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Pass on until told to stop, or until there is nothing to pass on. Raises OSError if a port is taken."""
        for listener in self._static:
            await listener.open(self._host)
        in_force = ""
        self._confirm(in_force)  # not what another one did
        while not stopping.is_set():
            text = self._read()
            if not text and not self._static:
                break
            if text != in_force:
                await self._apply(json.loads(text or "{}"))
                in_force = text
                self._confirm(text)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY_S)
        for listener in (*self._static, *self._dynamic.values()):
            listener.close()
        self._confirm("")

    async def _apply(self, config: Mapping[str, Mapping[str, Any]]) -> None:
        listeners = {int(port): Listener(int(port), tuple(each["to"])) for port, each in config.items()}
        for port, listener in list(self._dynamic.items()):
            if port not in listeners or listeners[port].to != listener.to:
                self._dynamic.pop(port).close()
        for port, listener in listeners.items():
            if port not in self._dynamic:
                await listener.open(self._host)
                self._dynamic[port] = listener
            self._dynamic[port].set_trouble(Trouble(**config[str(port)].get("trouble", {})))

    def _read(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self._folder / CONFIG).read_text("utf-8")
        return ""

    def _confirm(self, text: str) -> None:
        path = self._folder / IN_FORCE
        if text:
            path.with_suffix(".new").write_text(text, "utf-8")
            path.with_suffix(".new").replace(path)
        else:
            path.unlink(missing_ok=True)


async def main(folder: Path, static: Mapping[int, tuple[str, int]]) -> None:
    """Run a proxy until SIGTERM: on all addresses as the way in of containers, else on loopback."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await Proxy(folder, "0.0.0.0" if static else "127.0.0.1", static).run(stopping)  # noqa: S104


if __name__ == "__main__":
    targets = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    asyncio.run(main(Path(sys.argv[1]), {int(port): tuple(to) for port, to in targets.items()}))
