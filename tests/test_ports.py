"""No stack of a test session has a port of another, of a session beside it, or of a developer's stacks."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain

import pytest

from deploy.model.home import REPOSITORY
from deploy.model.ports import MAX_REPLICAS, PORTS
from room.addresses import locust_port, room_port
from tests import ports
from tests.ports import BLOCK, DEFAULT_SHIFT, SESSION_WIDTH, VARIABLE

SESSIONS = 5
INNER = [port for parts in PORTS.values() for ends in parts.values() for port in ends.values() if port > 10_000]


def ports_of_stacks(shift: int) -> set[int]:
    """Return every port that stacks with this shift may use: the pages, the edges between them, and inner ones."""
    pages = range(room_port(), locust_port() + 1)
    inner = range(min(INNER), max(INNER) + MAX_REPLICAS)
    return {port + shift for port in chain(pages, inner)}


def test_sessions_side_by_side_share_no_port_with_each_other_or_a_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWINSHOP_PORT_SHIFT", raising=False)
    shifts = [DEFAULT_SHIFT + block * BLOCK for block in range(SESSIONS * SESSION_WIDTH // BLOCK)]

    every = [port for shift in [0, *shifts] for port in ports_of_stacks(shift)]

    assert len(every) == len(set(every))


def test_every_kind_of_stack_has_a_block_of_the_session() -> None:
    shifts = [value for name, value in vars(ports).items() if name.endswith("_SHIFT") and name != "DEFAULT_SHIFT"]

    assert sorted(shifts) == list(range(ports.ARMS_SHIFT, ports.ARMS_SHIFT + SESSION_WIDTH, BLOCK))


@pytest.mark.parametrize("shift", ["many", "14000"])
def test_a_shift_without_room_is_refused_in_one_line(shift: str) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_ports.py"]

    refused = subprocess.run(
        words, cwd=REPOSITORY, env=os.environ | {VARIABLE: shift}, capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{VARIABLE}={shift}, with {SESSION_WIDTH - BLOCK} more for the stacks beside: ")
    assert len(refused.stderr.splitlines()) == 1
