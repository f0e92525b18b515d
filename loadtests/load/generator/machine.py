"""Makes room for the generator on this machine: its cores, its open files, and no pauses for garbage."""

from __future__ import annotations

import gc
import os

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# Besides connections: log files, the event loop, Locust's own sockets.
OTHER_FILES = 100
# Objects that are made before the collector looks. A collection of this many takes about 2 ms.
GARBAGE_THRESHOLD = 20_000


def pin(cores: list[int]) -> None:
    """Keep this process on these cores, where the system can (not on macOS). No cores: leave it as it is."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def cores() -> list[int] | None:
    """Return the cores that this process may use, or None where the system has no affinity."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def allow_open_files(connections: int) -> None:
    """Raise the soft limit of open files so that `connections` fit. Raises OSError or ValueError if it cannot."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def calm_garbage_collection() -> None:
    """Take what is loaded by now out of the collector's sight, and let it look seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 50, 1000)
