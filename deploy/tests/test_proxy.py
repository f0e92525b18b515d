"""The proxy as a process, between a client and a server that says everything twice: it passes on, and spoils."""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.faults import proxy
from deploy.tests.asking import eventually

PATIENCE_S = 30.0
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has socket filters")


class SaysItTwice(socketserver.BaseRequestHandler):
    """Answers with what it was told, twice; and says good-bye when the other side has said all."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while message := self.request.recv(1 << 16):
                self.request.sendall(message * 2)
            self.request.sendall(b"bye")


class Between:
    """A proxy process with one way, to the server."""

    def __init__(self, folder: Path, server_port: int) -> None:
        self._folder, self._server_port = folder, server_port
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.has(proxy.NONE, waits=False)
        self.process = subprocess.Popen([sys.executable, proxy.__file__, str(folder)])
        self.in_force()

    def has(self, trouble: proxy.Trouble, *, waits: bool = True) -> None:
        """Give its connections a trouble; return when they have it."""
        what = {name: value for name, value in vars(trouble).items() if value}
        config = {str(self.port): {"to": ["127.0.0.1", self._server_port], "trouble": what}}
        fresh = self._folder / "fresh"
        fresh.write_text(json.dumps(config), "utf-8")
        fresh.replace(self._folder / proxy.CONFIG)
        if waits:
            self.in_force()

    def in_force(self) -> None:
        """Return when the proxy does what it was told."""
        config, in_force = self._folder / proxy.CONFIG, self._folder / proxy.IN_FORCE
        eventually(lambda: in_force.exists() and in_force.read_text("utf-8") == config.read_text("utf-8"))

    def connected(self, timeout_s: float = PATIENCE_S) -> socket.socket:
        """A connection through it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)

    def end(self) -> int:
        """Tell it that it has nothing to do, and return its exit status."""
        (self._folder / proxy.CONFIG).unlink(missing_ok=True)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def between(tmp_path: Path) -> Iterator[Between]:
    """A proxy before a server."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), SaysItTwice) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        started = Between(tmp_path, server.server_address[1])
        try:
            yield started
        finally:
            started.process.kill()
            started.process.wait()
            server.shutdown()


def echo(connection: socket.socket, what: bytes) -> bytes:
    """Say something and return the whole answer."""
    connection.sendall(what)
    return receive(connection, 2 * len(what))


def receive(connection: socket.socket, size: int) -> bytes:
    """Return the next bytes, fewer if the other side has said all."""
    received = b""
    while len(received) < size and (piece := connection.recv(size - len(received))):
        received += piece
    return received


def test_what_is_said_is_passed_on_to_the_last_byte(between: Between) -> None:
    text = bytes(range(256)) * 4096

    with between.connected() as connection:
        sender = threading.Thread(target=connection.sendall, args=(text,))
        sender.start()
        answer = receive(connection, 2 * len(text))
        sender.join()
        connection.shutdown(socket.SHUT_WR)
        good_bye = receive(connection, 100)

    assert len(answer) == 2 * len(text)
    assert good_bye == b"bye"


def test_latency_is_added_each_way_until_it_is_healed(between: Between) -> None:
    with between.connected() as connection:
        between.has(proxy.Trouble(latency_ms=150))
        began = time.monotonic()
        answer = echo(connection, b"slow")
        took_s = time.monotonic() - began
        between.has(proxy.Trouble(latency_ms=3_600_000))
        connection.sendall(b"late")
        between.has(proxy.NONE)
        late = receive(connection, 8)

    assert (answer, late) == (b"slowslow", b"latelate")
    assert took_s >= 0.3


def test_a_narrow_line_takes_its_time(between: Between) -> None:
    with between.connected() as connection:
        between.has(proxy.Trouble(bytes_per_s=20_000))
        began = time.monotonic()
        answer = echo(connection, b"x" * 5_000)
        took_s = time.monotonic() - began

    assert len(answer) == 10_000
    assert took_s >= 0.5


def test_a_reset_strikes_open_connections_and_new_ones(between: Between) -> None:
    with between.connected() as connection:
        assert echo(connection, b"a") == b"aa"

        between.has(proxy.Trouble(reset=True))

        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        with pytest.raises(ConnectionResetError), between.connected() as another:
            echo(another, b"b")
        between.has(proxy.NONE)
        with between.connected() as healed:
            assert echo(healed, b"c") == b"cc"


@linux_only
def test_swallowed_packets_are_acknowledged_by_nobody(between: Between) -> None:
    with between.connected() as connection:
        assert echo(connection, b"a") == b"aa"
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000)

        between.has(proxy.Trouble(swallow=True))

        connection.sendall(b"b")
        with pytest.raises(TimeoutError) as given_up:  # the kernel's word, and no reset
            connection.recv(1)
        with pytest.raises(TimeoutError):
            between.connected(timeout_s=0.5)
    assert given_up.value.errno == errno.ETIMEDOUT


def test_a_connection_goes_on_when_packets_are_swallowed_no_more(between: Between) -> None:
    with between.connected() as connection:
        between.has(proxy.Trouble(swallow=True))
        connection.sendall(b"patience")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)

        between.has(proxy.NONE)

        connection.settimeout(PATIENCE_S)
        assert receive(connection, 16) == b"patiencepatience"


@pytest.mark.parametrize("size", [3, 4])  # in the midst of an answer, and between two
def test_a_connection_is_closed_after_so_many_bytes_of_answers(between: Between, size: int) -> None:
    with between.connected() as connection:
        between.has(proxy.Trouble(limit_bytes=size))

        connection.sendall(b"ab")
        first = receive(connection, size)
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"ab")
            first += receive(connection, 100)

    assert first == b"abab"[:size]


def test_only_the_first_connections_are_struck_and_the_oldest_first(between: Between) -> None:
    with between.connected() as oldest, between.connected() as other:
        assert echo(oldest, b"a") + echo(other, b"b") == b"aabb"

        between.has(proxy.Trouble(reset=True, first=1))

        with pytest.raises(ConnectionResetError):
            oldest.recv(1)
        assert echo(other, b"b") == b"bb"
        with between.connected() as new:
            assert echo(new, b"c") == b"cc"

            between.has(proxy.Trouble(reset=True, first=3))  # the two that are open, and one more

            with pytest.raises(ConnectionResetError), between.connected() as third:
                echo(third, b"d")
            with between.connected() as fourth:
                assert echo(fourth, b"e") == b"ee"


def test_a_server_that_is_not_there_is_a_reset(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    before_nobody = Between(tmp_path, port)
    try:
        with pytest.raises(ConnectionResetError), before_nobody.connected() as connection:
            echo(connection, b"anybody?")
    finally:
        assert before_nobody.end() == 0
    assert not (tmp_path / proxy.IN_FORCE).exists()
