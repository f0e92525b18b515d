"""A database and a broker for the tests of the kit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


class BrokerServer:
    """A nats-server of the test's own. It can be stopped and started again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = os.path.join(sysconfig.get_path("scripts"), "nats-server")
        options = ["-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]
        self.process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        asyncio.run(self._until_ready())

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    async def _until_ready(self) -> None:
        for _ in range(100):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise TimeoutError("nats-server does not start")


@pytest.fixture
def broker_server() -> Iterator[BrokerServer]:
    """A running broker with nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="twinshop-nats-"))
    server = BrokerServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(service_database_urls: dict[str, str]) -> str:
    """A database that the kit's tests may do anything with: the one of the orders service."""
    return service_database_urls["orders"]
