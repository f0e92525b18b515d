"""A service that is told to stop answers what it has begun."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest

SERVE = """
import asyncio, sys
from microservices.kit.serving import serve
from microservices.kit.settings import ServiceSettings

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    print("begun", flush=True)
    await asyncio.sleep(6.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})

serve(app, ServiceSettings.model_construct(host="127.0.0.1", port=int(sys.argv[1]), drain_s=0, log_level="info"), "x")
"""


@pytest.mark.long
def test_a_request_under_way_is_answered_for_as_long_as_the_edge_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", SERVE, str(port)], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        connection = _connect(port)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert service.stdout.readline() == "begun\n"

        service.send_signal(signal.SIGTERM)
        answer = b"".join(iter(lambda: connection.recv(1024), b""))

        connection.close()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"done" in answer


def _connect(port: int) -> socket.socket:
    give_up_at = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=15)
        except OSError:
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
