"""Opens a control room in a process of its own, for tests and for pictures."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from deploy.model.errors import StartFailed
from deploy.model.home import REPOSITORY

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 40.0  # what it started has its own time to end


@contextmanager
def open_room(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a control room on a free port for the block, and return its address. Raises StartFailed."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    # NiceGUI behaves differently where it believes to be under test.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    process = subprocess.Popen(
        [sys.executable, "-m", "twinshop.cli", "room", "--port", str(port)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=REPOSITORY, env=ours | dict(environment or {}),
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise StartFailed(f"The control room did not open at {address}.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
