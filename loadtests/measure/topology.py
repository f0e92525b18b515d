"""What a processor's cores are to each other, and who else has a say over them: read, never set. Linux alone tells."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

SYSTEM = Path("/")
UNKNOWN = "not told here"


def describe(root: Path = SYSTEM) -> dict[str, Any]:
    """Return siblings, governor, virtualisation, limits and steal; what a system does not tell says so."""
    cpu = root / "sys/devices/system/cpu"
    siblings = {_text(path) for path in cpu.glob("cpu[0-9]*/topology/thread_siblings_list")} - {UNKNOWN}
    governors = {_text(path) for path in cpu.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {UNKNOWN}
    cpuinfo = _text(root / "proc/cpuinfo")
    return {
        "thread_siblings": sorted(siblings) or UNKNOWN,  # "0,1": two threads of one core, which slow each other
        "governor": ", ".join(sorted(governors)) or UNKNOWN,
        "virtualised": UNKNOWN if cpuinfo == UNKNOWN else " hypervisor" in cpuinfo,
        "cgroup_cpu_limit_cores": _limit_cores(root / "sys/fs/cgroup"),
        "steal_share_since_boot": _steal_share(root / "proc/stat"),
    }


def siblings(root: Path = SYSTEM) -> list[list[int]]:
    """Return the threads of each core that has several, where the system tells: `0,1` or `0-1` in its words."""
    cpu = root / "sys/devices/system/cpu"
    lists = {_text(path) for path in cpu.glob("cpu[0-9]*/topology/thread_siblings_list")} - {UNKNOWN}
    groups = [[thread for part in one.split(",") for thread in _span(part)] for one in sorted(lists)]
    return [group for group in groups if len(group) > 1]


def _span(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _limit_cores(cgroup: Path) -> float | str:
    """Return how many cores a cgroup of version 2 or 1 allows, "none" without a limit."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text("utf-8").split()
        return "none" if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):
        us = [int((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text("utf-8")) for name in ("quota", "period")]
        return "none" if us[0] < 0 else us[0] / us[1]
    return UNKNOWN


def _steal_share(stat: Path) -> float | str:
    """Return the share of all time that the hypervisor gave to others (proc(5): the eighth field)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        ticks = [int(field) for field in stat.read_text("utf-8").splitlines()[0].split()[1:9]]
        return round(ticks[7] / sum(ticks), 5)
    return UNKNOWN


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return UNKNOWN
