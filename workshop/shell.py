"""Runs a lab's command as a participant would, and keeps what it printed."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.model.home import REPOSITORY

LIMIT_S = 180.0  # what a lab promises for each of its commands
GRACE_S = 20.0
GIVE_UP_S = 2 * LIMIT_S
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    status: int
    output: str
    seconds: float


def environment() -> dict[str, str]:
    """Return the environment of a lab's commands: our own, with `twinshop` and its Python in the path."""
    scripts = sysconfig.get_path("scripts")
    path = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])
    return os.environ | {"PATH": path, "COLUMNS": os.environ.get("COLUMNS", "120"), "PYTHONUNBUFFERED": "1"}


def run(line: str, settings: Mapping[str, str] | None = None, folder: Path = REPOSITORY) -> Ran:
    """Run a line in bash, show its output while it comes, and return it.

    On a terminal the command gets one, too, so that its progress bars move. Elsewhere it is ended after six minutes.
    """
    began = time.monotonic()
    variables = environment() | dict(settings or {})
    if sys.stdin.isatty() and sys.stdout.isatty():
        status, output = _on_a_terminal(line, variables, folder)
    else:
        status, output = _piped(line, variables, folder)
    return Ran(status, _ESCAPES.sub(b"", output).decode("utf-8", errors="replace"), time.monotonic() - began)


def _on_a_terminal(line: str, variables: Mapping[str, str], folder: Path) -> tuple[int, bytes]:
    output = bytearray()

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 4096)
        output.extend(data)
        return data

    # pty.spawn takes neither a folder nor variables.
    command = ["env", "-C", str(folder), *(f"{name}={value}" for name, value in variables.items()), "bash", "-c", line]
    return os.waitstatus_to_exitcode(pty.spawn(command, read)), bytes(output)


def _piped(line: str, variables: Mapping[str, str], folder: Path) -> tuple[int, bytes]:
    output = bytearray()
    process = subprocess.Popen(
        ["bash", "-c", line], cwd=folder, env=dict(variables), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    limit = threading.Timer(GIVE_UP_S, _end, (process,))
    limit.start()
    try:
        assert process.stdout is not None
        with process.stdout as printed:
            while data := os.read(printed.fileno(), 4096):
                output.extend(data)
                sys.stdout.write(data.decode("utf-8", errors="replace"))
                sys.stdout.flush()
        return process.wait(), bytes(output)
    except BaseException:
        _end(process)
        raise
    finally:
        limit.cancel()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and whatever it started, in good order if it can be had."""
    for number, patience_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience_s)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        else:
            return
