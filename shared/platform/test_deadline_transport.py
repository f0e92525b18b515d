"""A call ends at its deadline, and a kept connection that has ended is not used."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from shared.platform.deadline_transport import DeadlineTransport

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Serve = Callable[[socket.socket], None]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def accept(listener: socket.socket, serve: Serve) -> list[socket.socket]:
    """Serve each connection in a thread of its own; returns the list of connections, as it grows."""
    connections: list[socket.socket] = []

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return connections


def client_of(listener: socket.socket, timeout_s: float = 1.0) -> httpx.Client:
    host, port = listener.getsockname()
    return httpx.Client(base_url=f"http://{host}:{port}", transport=DeadlineTransport(timeout_s))


def answers_each(connection: socket.socket) -> None:
    with connection:
        while connection.recv(65536):
            connection.sendall(ANSWER)


def drips(connection: socket.socket) -> None:
    with connection:
        connection.recv(65536)
        for byte in ANSWER * 10:
            time.sleep(0.05)
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return


def test_an_answer_that_drips_is_cut_at_the_deadline(listener: socket.socket) -> None:
    accept(listener, drips)

    with client_of(listener, timeout_s=0.3) as client:
        started = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            client.post("/", json={})

    assert time.monotonic() - started < 0.6


def test_a_connection_serves_many_calls(listener: socket.socket) -> None:
    connections = accept(listener, answers_each)

    with client_of(listener) as client:
        bodies = [client.post("/", json={"some": "thing"}).json() for _ in range(5)]

    assert bodies == [{}] * 5
    assert len(connections) == 1


def test_a_kept_connection_that_has_ended_is_replaced(listener: socket.socket) -> None:
    connections = accept(listener, answers_each)

    with client_of(listener) as client:
        client.post("/", json={})
        connections[0].shutdown(socket.SHUT_RDWR)
        time.sleep(0.05)

        assert client.post("/", json={}).status_code == 200

    assert len(connections) == 2


def test_a_refused_connection_is_told_from_a_lost_answer(listener: socket.socket) -> None:
    accept(listener, lambda connection: connection.close())
    with client_of(listener) as client, pytest.raises(httpx.ReadError):
        client.post("/", json={})

    listener.close()
    nobody = DeadlineTransport(1.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(httpx.ConnectError):
        nobody.handle_request(httpx.Request("POST", f"http://127.0.0.1:{port}/"))
