"""A network that swallows packets, without being root: a proxy that takes what it is sent and passes nothing on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class StallingProxy:
    """Passes bytes on to `host:port` until `stalled` is set; from then on no byte, and no end, arrives anywhere."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.port = int(self._listener.getsockname()[1])
        self.stalled = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Close all connections."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                if self.stalled.is_set():
                    continue
                server = socket.create_connection(self._target)
                self._sockets.append(server)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.stalled.is_set():
                    sink.sendall(data)
            if not self.stalled.is_set():
                sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def stalling_proxy(host: str, port: int) -> Iterator[StallingProxy]:
    """A proxy before a server, closed afterwards."""
    proxy = StallingProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
