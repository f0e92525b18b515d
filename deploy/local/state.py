"""What a supervisor leaves on disk so that others find it, and find its processes when it is gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.control import socket_path
from deploy.local.process import ProcessIdentity, descendants_of, end, tree
from deploy.model import home
from deploy.model.errors import DeployError
from deploy.model.home import write_atomically

FILE = "state.json"


@dataclass(frozen=True)
class State:
    """A supervisor, the socket at which it takes commands, and the processes it has started.

    `control_socket` is empty where a version before this one has written it, whose supervisor had a port instead.
    """

    stack: str
    shift: int
    supervisor: ProcessIdentity
    control_socket: str
    processes: Mapping[str, ProcessIdentity] = field(default_factory=dict)
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
                supervisor=ProcessIdentity(**document["supervisor"]),
                control_socket=document.get("control_socket", ""),
                processes={name: ProcessIdentity(**item) for name, item in document["processes"].items()},
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


def end_orphans(folder: Path) -> int:
    """Kill every process of a stack whose supervisor is gone; return how many there were. Raises DeployError.

    By the record that the supervisor kept, and by looking for the stack's mark: it may have died
    between starting a process and writing it down.
    """
    if not folder.exists():
        return 0
    state = State.read(folder)
    recorded = [identity.alive() for identity in state.processes.values()] if state else []
    trees = [one for process in recorded if process is not None for one in tree(process.pid)]
    every = list({*trees, *descendants_of(folder)})
    survivors = end(every)
    if survivors:
        raise DeployError(
            f"These processes could not be ended: {', '.join(str(process.pid) for process in survivors)}."
        )
    return len(every)
