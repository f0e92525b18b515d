"""A process that dies is gone at once, wherever it is."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys

import pytest

DYING = """
import atexit
from shared.platform.kill import kill_self
atexit.register(print, "finished")
kill_self()
print("still here")
"""
ALONE = ("unshare", "--user", "--map-root-user", "--pid", "--fork")  # the first process of its own namespace


def ended(*before: str) -> tuple[int, str]:
    """Let a process die; return its status, and what it could still say."""
    process = subprocess.run([*before, sys.executable, "-c", DYING], capture_output=True, text=True, check=False)
    return process.returncode, process.stdout


def test_it_is_killed() -> None:
    assert ended() == (-signal.SIGKILL, "")


def test_it_is_gone_even_as_the_first_process_of_a_container() -> None:
    if shutil.which(ALONE[0]) is None or subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespace of its own can be had on this machine")

    assert ended(*ALONE) == (128 + signal.SIGKILL, "")
