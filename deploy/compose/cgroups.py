"""CPU and memory of a container, from its control group; on a machine without control groups from the engine."""

from __future__ import annotations

from pathlib import Path

from deploy.compose.engine import Container, Engine
from deploy.runner.interface import NOTHING, Usage

ROOT = Path("/sys/fs/cgroup")
KIND = "cgroup"  # pages are counted where they were first used: sums over parts count nothing twice


def usage_of(engine: Engine, container: Container, *, memory: bool) -> Usage:
    """Return what a running container has used since it started; nothing if it does not run.

    A control group also counts processes that have ended, and what `exec` ran.
    """
    if container.state not in ("running", "paused") or not container.pid:
        return NOTHING
    try:
        return _from_files(container, memory=memory)
    except OSError:  # the engine is in a virtual machine of its own, or the container has just ended
        return _from_engine(engine, container)


def folder(container: Container, controller: str) -> Path:
    """Return where a running container's figures of a controller are: cpu, cpuacct, memory.

    Version 2 has one folder for all. Raises OSError where there are no control groups.
    """
    membership = Path(f"/proc/{container.pid}/cgroup").read_text("ascii")
    places = dict(line.split(":", 2)[1:] for line in membership.splitlines())
    for names, path in places.items():
        if controller in names.split(","):
            return ROOT / names / path.lstrip("/")
    return ROOT / places[""].lstrip("/")


def value(path: Path, name: str) -> int:
    """Return the number behind a name in a file of names and numbers. Raises OSError if it is not there."""
    for line in path.read_text("ascii").splitlines():
        key, number = line.split()
        if key == name:
            return int(number)
    raise OSError(f"{path} does not say {name}")


def _from_files(container: Container, *, memory: bool) -> Usage:
    cpu, group = folder(container, "cpuacct"), folder(container, "memory")
    if (cpu / "cpuacct.usage").exists():
        cpu_s = int((cpu / "cpuacct.usage").read_text("ascii")) / 1e9
        used, cache = "memory.usage_in_bytes", "total_inactive_file"
    else:
        cpu_s = value(cpu / "cpu.stat", "usage_usec") / 1e6
        used, cache = "memory.current", "inactive_file"
    processes = len((group / "cgroup.procs").read_text("ascii").split())
    # Files that nobody looks at any more are the kernel's to give away, and are counted to nobody.
    size = int((group / used).read_text("ascii")) - value(group / "memory.stat", cache) if memory else 0
    return Usage(cpu_s, size, KIND, processes)


def _from_engine(engine: Engine, container: Container) -> Usage:
    stats = engine.usage(container)
    memory = stats.get("memory_stats", {})
    if "usage" not in memory:
        return NOTHING
    cache = memory.get("stats", {}).get("inactive_file", 0)
    cpu_s = stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    return Usage(cpu_s, memory["usage"] - cache, KIND, stats.get("pids_stats", {}).get("current", 0))
