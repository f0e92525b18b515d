"""Ends what a supervisor left behind: it may have been killed itself."""

from __future__ import annotations

from pathlib import Path

import psutil

from deploy.local.process import descendants_of, end, tree
from deploy.local.state import State
from deploy.model.errors import DeployError


def end_all(folder: Path) -> int:
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


def wait_gone(supervisor: psutil.Process, timeout_s: float) -> None:
    """Return when the supervisor has ended; kill it after `timeout_s`."""
    try:
        supervisor.wait(timeout_s)
    except psutil.TimeoutExpired:
        end([supervisor])
