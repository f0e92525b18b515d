"""Real parts for the tests beside this file: processes with ports of their own, and a shop's end for webhooks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.plain_http import plain_http

START_WITHIN_S = 20.0
ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def launch(part: str, **environment: str) -> subprocess.Popen[str]:
    """Start `python -m outside.<part>` with this environment only, warnings being errors."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", f"outside.{part}"],
        cwd=ROOT,
        env=keep | environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass
class OutsidePart:
    """One running part. Its environment is kept, so that it can be started again."""

    name: str
    environment: dict[str, str]
    process: subprocess.Popen[str] = field(init=False)
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = plain_http(self.url)
        self.start()

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.process = launch(self.name, **self.environment)
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            try:
                if self.http.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                assert self.process.poll() is None, self.process.communicate()[1]
                time.sleep(0.05)
        self.kill()
        pytest.fail(f"{self.name} was not ready within {START_WITHIN_S} s")

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> tuple[float, int, str]:
        """SIGTERM. Returns how long it took (s), the exit status, and what it had logged."""
        started = time.monotonic()
        self.process.terminate()
        _, log = self.process.communicate(timeout=10)
        return time.monotonic() - started, self.process.returncode, log


@pytest.fixture(scope="session")
def start_part(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., OutsidePart]]:
    """Return a function that starts a part; whatever runs at the end is killed."""
    parts: list[OutsidePart] = []

    def start(name: str, **environment: str) -> OutsidePart:
        own = {"PORT": str(free_port()), "DATA_DIR": str(tmp_path_factory.mktemp(name) / "data")}
        parts.append(OutsidePart(name, own | environment))
        return parts[-1]

    yield start
    for part in parts:
        part.kill()
        part.http.close()


@pytest.fixture(scope="session")
def provider(start_part: Callable[..., OutsidePart]) -> OutsidePart:
    """Return a provider that all tests share; each has a merchant of its own."""
    return start_part("provider")


class Merchant:
    """A merchant of a provider, with fast answers unless a test says otherwise."""

    def __init__(self, provider: OutsidePart, name: str) -> None:
        self.provider, self.name = provider, name
        headers = {"Authorization": f"Bearer key-{name}"}
        self.http = plain_http(f"{provider.url}/v1/{name}", headers=headers)
        self.control = plain_http(f"{provider.url}/control/{name}")
        self.behave(latency_ms={"median": 1})

    def behave(self, **patch: Any) -> None:
        """Change the provider's behaviour towards this merchant."""
        self.control.put("/behaviour", json=patch).raise_for_status()

    def charge(self, key: str, method: str = "pm_ok", amount: int = 4200, **more: Any) -> httpx.Response:
        """Send a charge in EUR."""
        body = {"key": key, "amount": amount, "currency": "EUR", "payment_method": method}
        return self.http.post("/charges", json=body, **more)

    def refund(self, key: str, refund_key: str, amount: int, **more: Any) -> httpx.Response:
        """Send a refund."""
        body = {"refund_key": refund_key, "amount": amount}
        return self.http.post(f"/charges/{key}/refunds", json=body, **more)

    def ledger(self) -> dict[str, dict[str, Any]]:
        """Return the ledger's charges by key."""
        charges = self.control.get("/ledger").raise_for_status().json()["charges"]
        return {charge["key"]: charge for charge in charges}

    def close(self) -> None:
        """Close its connections."""
        self.http.close()
        self.control.close()


@pytest.fixture
def merchant(provider: OutsidePart) -> Iterator[Merchant]:
    """Return a merchant that no other test knows."""
    merchant = Merchant(provider, f"m-{uuid.uuid4().hex[:12]}")
    yield merchant
    merchant.close()


@dataclass(frozen=True)
class Delivery:
    """One webhook as it arrived."""

    body: bytes
    signature: str
    at_s: float


class WebhookInbox:
    """A shop's end for webhooks. `statuses` are answered first, then 200."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.statuses: list[int] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signature = self.headers["Webhook-Signature"]
                inbox.deliveries.append(Delivery(body, signature, time.time()))
                self.send_response(inbox.statuses.pop(0) if inbox.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        serve = self._server.serve_forever
        # A daemon: a test that fails before it closes this must not keep the process from ending.
        self._thread = threading.Thread(target=serve, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/payments"

    def wait_for(self, count: int, within_s: float = 30.0) -> list[Delivery]:
        """Return the deliveries once there are `count`; fail if there are not in time."""
        deadline = time.monotonic() + within_s
        while len(self.deliveries) < count:
            assert time.monotonic() < deadline, f"{len(self.deliveries)} of {count} webhooks came"
            time.sleep(0.02)
        return list(self.deliveries)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def own_inbox() -> Iterator[WebhookInbox]:
    """Return a shop's end that no provider knows yet."""
    inbox = WebhookInbox()
    yield inbox
    inbox.close()


@pytest.fixture
def inbox(merchant: Merchant, own_inbox: WebhookInbox) -> WebhookInbox:
    """Return the shop's end to which this merchant's webhooks go."""
    merchant.control.put("/webhook", json={"url": own_inbox.url, "secret": "hush"}).raise_for_status()
    return own_inbox
