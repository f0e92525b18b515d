"""Says before a start which port is taken, and by whom: a server that shares a port silently is worse than none."""

from __future__ import annotations

import contextlib
import socket

import psutil

from deploy.model.errors import PortTaken
from deploy.model.home import MARK
from deploy.model.parts import Stack


def require_free(stack: Stack) -> None:
    """Raise PortTaken, naming every port of the stack that somebody else listens on."""
    conflicts = [
        f"port {port} ({part.name} of {stack.name}) is taken{_by_whom(port)}"
        for part in stack.parts
        for port in part.ports.values()
        if is_taken(port)
    ]
    if conflicts:
        raise PortTaken("; ".join(conflicts) + ". Stop it, or set TWINSHOP_PORT_SHIFT to move all ports.")


def is_taken(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:  # macOS lets us bind beside a wildcard listener
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a server that ended do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _by_whom(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS, unless we are root
        return f" (`lsof -i :{port}` names the program)"
    for connection in connections:
        local = connection.laddr
        if connection.status != psutil.CONN_LISTEN or not local or local.port != port:
            continue
        if connection.pid is None:
            return " by a program of another user"
        return _describe(connection.pid)
    return ""


def _describe(pid: int) -> str:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        words = " ".join(process.cmdline())[:80] or process.name()
        text = f" by process {pid} ({words})"
        with contextlib.suppress(psutil.Error):
            if folder := process.environ().get(MARK):
                text += f", which belongs to a Twinshop of {folder}"
        return text
    return f" by process {pid}"
