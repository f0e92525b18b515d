"""Waits until Envoy knows a new replica, and until one that it shall forget has answered its last request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from deploy.envoy import admin
from deploy.model.errors import NotRunning
from deploy.model.parts import Part

LOOK_EVERY_S = 0.02
TABLE = Path("/proc/net/tcp")  # Linux: one line a connection of IPv4; proc_pid_net(5)
ESTABLISHED = "01"
KNOWN_WITHIN_S = 10.0  # a machine that is busy tells Envoy late; an Envoy that is away is known to be so at once
LONGEST_S = 10.0  # longer than the edge's deadline: no request lives longer


async def until_routed(socket_path: str, part: Part, replicas: Sequence[int]) -> None:
    """Return when Envoy sends requests to these replicas, or at once if it is away itself."""
    ports = {part.port("http", replica) for replica in replicas}
    await _until(lambda: admin.replica_ports(socket_path, part.name) >= ports, KNOWN_WITHIN_S)


async def until_drained(socket_path: str, part: Part, replicas: Sequence[int]) -> None:
    """Return when Envoy no longer knows these replicas and no connection to them is left, or after ten seconds."""
    ports = {part.port("http", replica) for replica in replicas}
    await _until(lambda: not admin.replica_ports(socket_path, part.name) & ports, KNOWN_WITHIN_S)
    # Envoy closes a connection to a host that has left once its request is answered.
    await _until(lambda: not _has_connections(ports), LONGEST_S)


async def _until(holds: Callable[[], bool], within_s: float) -> None:
    with contextlib.suppress(TimeoutError, NotRunning):
        async with asyncio.timeout(within_s):
            while not await asyncio.to_thread(holds):  # noqa: ASYNC110  (another process has no event for us)
                await asyncio.sleep(LOOK_EVERY_S)


def _has_connections(ports: set[int]) -> bool:
    if TABLE.exists():  # psutil would look through the open files of all processes for whose they are
        rows = (line.split() for line in TABLE.read_text("ascii").splitlines()[1:])
        return any(row[3] == ESTABLISHED and int(row[1].rpartition(":")[2], 16) in ports for row in rows)
    try:
        connections = psutil.net_connections("tcp4")
    except psutil.AccessDenied:  # macOS: the server's own graceful stop has to do
        return False
    return any(
        connection.status == psutil.CONN_ESTABLISHED and connection.laddr and connection.laddr.port in ports
        for connection in connections
    )
