"""What a machine says of its cores is read as it stands there, and what it does not say is not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.measure import topology


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_virtual_machine_with_two_threads_of_one_core_and_a_limit_says_so(tmp_path: Path) -> None:
    for cpu in (0, 1):
        put(tmp_path, f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", "0-1\n")
        put(tmp_path, f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor", "powersave\n")
    put(tmp_path, "proc/cpuinfo", "flags\t\t: fpu vme hypervisor lahf_lm\n")
    put(tmp_path, "proc/stat", "cpu  100 0 100 700 50 0 0 50 0 0\n")
    put(tmp_path, "sys/fs/cgroup/cpu.max", "150000 100000\n")

    assert topology.siblings(tmp_path) == [[0, 1]]
    assert topology.describe(tmp_path) == {
        "thread_siblings": ["0-1"],
        "governor": "powersave",
        "virtualised": True,
        "cgroup_cpu_limit_cores": 1.5,
        "steal_share_since_boot": 0.05,
    }


@pytest.mark.parametrize(("quota", "limit"), [("-1", "none"), ("50000", 0.5)])
def test_a_limit_of_the_older_cgroups_is_read_too(quota: str, limit: float | str, tmp_path: Path) -> None:
    put(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota)
    put(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")

    assert topology.describe(tmp_path)["cgroup_cpu_limit_cores"] == limit


def test_a_system_that_tells_nothing_is_not_guessed_at(tmp_path: Path) -> None:
    assert set(topology.describe(tmp_path).values()) == {topology.UNKNOWN}
