"""The part lives and dies as one: no worker outlives its parent, no parent its worker, and no port is shared."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from unittest.mock import MagicMock

import httpx
import psutil
import pytest

from monolith import server
from monolith.app import create_app, prepare
from monolith.config import Settings

STARTS_WITHIN_S = 20.0


def until(what: str, holds: Callable[[], bool], within_s: float = 5.0) -> None:
    give_up_at = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < give_up_at, what
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def start(settings: Settings, port: int) -> subprocess.Popen[str]:
    environment = os.environ | {
        "TWINSHOP_MODE": "local",
        "DATABASE_URL": settings.database_url,
        "PORT": str(port),
        "SEED_PRODUCTS": "5",
    }
    return subprocess.Popen([sys.executable, "-m", "monolith.app"], env=environment, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def parent(settings: Settings, port: int) -> Iterator[psutil.Process]:
    """The parent of a running part."""
    process = start(settings, port)
    running = psutil.Process(process.pid)
    until("it is ready", lambda: answers(port), STARTS_WITHIN_S)
    family = [running, *running.children(recursive=True)]
    yield running
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.communicate()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_worker_does_not_outlive_its_parent(parent: psutil.Process, port: int) -> None:
    (worker,) = parent.children()

    parent.kill()

    until("the worker is gone", lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    assert not answers(port)


def test_a_parent_does_not_outlive_its_worker(parent: psutil.Process) -> None:
    (worker,) = parent.children()

    worker.kill()

    until("the parent is gone", lambda: parent.status() == psutil.STATUS_ZOMBIE)


def test_it_stops_in_an_orderly_way(parent: psutil.Process) -> None:
    parent.send_signal(signal.SIGTERM)

    assert parent.wait(5) == 0


def test_a_taken_port_is_named(parent: psutil.Process, settings: Settings, port: int) -> None:
    second = start(settings, port)

    _, errors = second.communicate(timeout=STARTS_WITHIN_S)

    assert second.returncode == 1
    assert f"port {port}" in errors
    assert "Traceback" not in errors


def test_without_its_settings_it_refuses_to_start() -> None:
    bare = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH")}
    process = subprocess.run(
        [sys.executable, "-m", "monolith.app"], env=bare, capture_output=True, text=True, check=False, timeout=20
    )

    assert process.returncode == 2
    assert "DATABASE_URL" in process.stderr
    assert "WEBHOOK_SECRET" in process.stderr


def test_what_a_worker_inherits_is_left_alone_by_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    fork = SimpleNamespace(serve_until_told=lambda *_: counts.append(gc.get_freeze_count()))
    monkeypatch.setattr(server, "_Server", lambda *_, **__: fork)
    monkeypatch.setattr(server, "load_or_exit", lambda _: MagicMock(drain_s=0.0))
    monkeypatch.setattr(server, "start_up", lambda *_: None)

    server.serve(Settings, create_app, prepare)
    gc.unfreeze()

    assert counts[0] > len(sys.modules)
