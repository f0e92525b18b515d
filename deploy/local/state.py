"""What a supervisor leaves on disk so that others find it, and find its processes when it is gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.control import socket_path
from deploy.local.process import Identity
from deploy.model import home
from deploy.model.home import write_atomically

FILE = "state.json"


@dataclass(frozen=True)
class State:
    """A supervisor, the socket at which it takes commands, and the processes it has started.

    `control_socket` is empty where a version before this one has written it, whose supervisor had a port instead.
    """

    stack: str
    shift: int
    supervisor: Identity
    control_socket: str
    processes: Mapping[str, Identity] = field(default_factory=dict)
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Replace the state file."""
        write_atomically(folder / FILE, json.dumps(asdict(self), indent=1), mode=0o600)

    @classmethod
    def read(cls, folder: Path) -> State | None:
        """Return the state of the last supervisor, or None if it left none or an unreadable one."""
        try:
            document = json.loads((folder / FILE).read_text("utf-8"))
            return cls(
                stack=document["stack"],
                shift=document["shift"],
                supervisor=Identity(**document["supervisor"]),
                control_socket=document.get("control_socket", ""),
                processes={name: Identity(**item) for name, item in document["processes"].items()},
                environment=document["environment"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def remove(folder: Path) -> None:
        """Forget the supervisor, and where it took commands."""
        (folder / FILE).unlink(missing_ok=True)
        for socket in (socket_path(folder), home.socket_path(str(folder), "edge")):
            socket.unlink(missing_ok=True)
