"""What the tests of the load share: a shop that costs next to nothing, in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Shop:
    """A running trivial shop."""

    url: str
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Return once somebody listens there."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def in_time(run: Callable[[], Any]) -> Any:
    """Return what a run of open arrivals returns, its summary last, once nothing left over a second late.

    A generator that is not given the processor sends less, and says so: that is no fault of what is tested.
    """
    for _ in range(4):
        result = run()
        if not result[-1]["too_late"]:
            return result
    pytest.skip(f"others had the processor four times over: {result[-1]['void_reasons']}")


@pytest.fixture
def start_shop() -> Iterator[Callable[..., Shop]]:
    """Return a function that starts a trivial shop with a fault; all are stopped after the test."""
    processes = []

    def start(fault: str = "none") -> Shop:
        port = free_port()
        command = [sys.executable, "-m", "loadtests.tests.trivial_shop", str(port), "--fault", fault]
        process = subprocess.Popen(command)
        processes.append(process)
        wait_for_port(port)
        return Shop(f"http://127.0.0.1:{port}", process)

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def shop(start_shop: Callable[..., Shop]) -> Shop:
    """Return a trivial shop that makes no mistake."""
    return start_shop()
