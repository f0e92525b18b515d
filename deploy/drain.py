"""Waits until a replica that was taken out of Envoy's list has answered its last request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import psutil

from deploy.envoy import admin
from deploy.errors import NotRunning
from deploy.parts import Part

LOOK_EVERY_S = 0.05
LONGEST_S = 10.0  # longer than the edge's deadline: no request lives longer


async def until_quiet(admin_port: int, part: Part, replicas: Sequence[int]) -> None:
    """Return when Envoy no longer knows these replicas and no connection to them is left, or after ten seconds."""
    ports = {part.port("http", replica) for replica in replicas}
    with contextlib.suppress(TimeoutError, NotRunning):
        async with asyncio.timeout(LONGEST_S):
            while await asyncio.to_thread(admin.replica_ports, admin_port, part.name) & ports:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY_S)
            # Envoy closes a connection to a host that has left once its request is answered.
            while await asyncio.to_thread(_has_connections, ports):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY_S)


def _has_connections(ports: set[int]) -> bool:
    try:
        connections = psutil.net_connections("tcp4")
    except psutil.AccessDenied:  # macOS: the server's own graceful stop has to do
        return False
    return any(
        connection.status == psutil.CONN_ESTABLISHED and connection.laddr and connection.laddr.port in ports
        for connection in connections
    )
