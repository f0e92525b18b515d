"""Small HTTP clients of the tests: one that shows raw answers, one that keeps asking and counts failures."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any


def ask(port: int, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
    """Send one request and return the answer, its JSON decoded."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, path, body, headers or {})
        return _read(connection.getresponse())
    finally:
        connection.close()


def send_raw(port: int, data: bytes) -> Answer:
    """Send bytes that need not be a whole request, and return the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(data)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return _read(response)


def _read(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, json.loads(response.read()))


@dataclass
class RequestLoop:
    """Asks for a path from some threads, over connections that are kept, until the block ends."""

    port: int
    path: str
    threads: int = 4
    statuses: Counter[int | str] = field(default_factory=Counter)
    replicas: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> RequestLoop:
        self._stop = threading.Event()
        self._running = [threading.Thread(target=self._ask, daemon=True) for _ in range(self.threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._running:
            thread.join()

    @property
    def failures(self) -> dict[int | str, int]:
        """What was answered with anything but 200, and how often."""
        return {status: count for status, count in self.statuses.items() if status != 200}

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        while not self._stop.is_set():
            try:
                connection.request("GET", self.path)
                answer = _read(connection.getresponse())
                self.statuses[answer.status] += 1
                if answer.status == 200:
                    self.replicas[answer.body["replica"]] += 1
            except (OSError, http.client.HTTPException) as error:
                self.statuses[type(error).__name__] += 1
                connection.close()
            time.sleep(0.002)
        connection.close()


def eventually(holds: Any, within_s: float = 60.0) -> Any:
    """Return the first true value of `holds()`; fail if there is none in time."""
    deadline = time.monotonic() + within_s
    while not (value := holds()):
        assert time.monotonic() < deadline, f"{holds} did not hold within {within_s} s"
        time.sleep(0.02)
    return value
