"""CPU quotas for replicas that run: each in a control group of its own, for containers the one that the engine made.

A quota is given to a replica that is ready, not to one that starts: starting takes a second of CPU.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.compose import cgroups
from deploy.compose.engine import Container, Engine
from deploy.compose.runner import ComposeRunner
from deploy.kubernetes.runner import KubernetesRunner
from deploy.local import process
from deploy.model.errors import Unsupported
from deploy.runner.interface import Runner

PERIOD_US = 100_000  # the kernel's default, and that of containers
MOUNT = Path("/sys/fs/cgroup")
PREFIX = "twinshop"
CORE = 1_000_000_000  # NanoCpus
GONE_WITHIN_S = 2.0


@dataclass(frozen=True)
class Controller:
    """Where CPU groups are made here. `parent` is the folder of the group that ours are made in."""

    version: Literal[1, 2]
    parent: Path

    def limit(self, name: str, share: float) -> Path:
        """Make the group `name` with a quota of `share` of a core, or change it. Raises OSError."""
        group = self.parent / name
        group.mkdir(exist_ok=True)
        quota_us = round(share * PERIOD_US)
        if self.version == 1:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
        return group

    def remove(self, group: Path) -> None:
        """Remove a group; what still lives in it goes back to the parent."""
        deadline = time.monotonic() + GONE_WITHIN_S
        while group.exists() and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                for pid in (group / "cgroup.procs").read_text().split():
                    with contextlib.suppress(OSError):  # it has just ended
                        (self.parent / "cgroup.procs").write_text(pid)
                group.rmdir()

    def throttled(self, group: Path) -> int:
        """Return in how many periods the group ran out of its quota."""
        for line in (group / "cpu.stat").read_text().splitlines():
            if line.startswith("nr_throttled "):
                return int(line.split()[1])
        return 0


def controller() -> Controller:
    """Return where groups can be made. Raises Unsupported with the reason where they cannot."""
    for version, parent in _candidates(Path("/proc/self/cgroup")):
        candidate = Controller(version, parent)
        trial = parent / f"{PREFIX}-trial-{os.getpid()}"
        try:
            candidate.limit(trial.name, 0.5)
            return candidate
        except OSError:
            continue
        finally:
            with contextlib.suppress(OSError):
                trial.rmdir()
    raise Unsupported("CPU quotas need control groups that we may write to: root on Linux, as a rule.")


def _candidates(own: Path) -> Iterator[tuple[Literal[1, 2], Path]]:
    """Yield the places in which groups may be made: version 1's cpu hierarchy, then version 2's."""
    if not own.exists():
        return
    for line in own.read_text("ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            yield 1, MOUNT / "cpu" / path.lstrip("/")
        elif not controllers and (MOUNT / "cgroup.controllers").exists():
            # A group with processes of its own may have no children with controllers: ours are made at its side.
            parent = (MOUNT / path.lstrip("/")).parent if path != "/" else MOUNT
            with contextlib.suppress(OSError):
                (parent / "cgroup.subtree_control").write_text("+cpu")
            yield 2, parent


def quotas_for(runner: Runner, share: float) -> Quotas | ContainerQuotas:
    """Return CPU quotas of `share` of a core for replicas of a stack. Raises Unsupported where there can be none."""
    if isinstance(runner, KubernetesRunner):
        raise Unsupported(
            "In a cluster the quota of a replica is the limit of its Pod: scale by components hpa, budgets."
        )
    return ContainerQuotas(runner, share) if isinstance(runner, ComposeRunner) else Quotas(runner, share)


@contextlib.contextmanager
def limited(runner: Runner, shares: Mapping[tuple[str, ...], float]) -> Iterator[Callable[[], int]]:
    """Give each replica of these parts its share of a core; yield what counts how often the first used it up.

    Raises Unsupported where there are no quotas.
    """
    quotas = {parts: quotas_for(runner, share) for parts, share in shares.items()}
    try:
        for parts, each in quotas.items():
            each.apply(parts)
        yield next(iter(quotas.values())).throttled
    finally:
        for each in quotas.values():
            each.lift()


class Quotas:
    """Gives replicas that are processes their shares, and takes them away."""

    def __init__(self, runner: Runner, share: float) -> None:
        """`share` is of one core, the same for each replica. Raises Unsupported."""
        self._runner = runner
        self._share = share
        self._controller = controller()
        self._groups: dict[str, Path] = {}

    @property
    def version(self) -> int:
        """The version of control groups in use."""
        return self._controller.version

    def apply(self, parts: Sequence[str]) -> int:
        """Put every live replica of these parts into a group of its own; return how many there are."""
        leaders: dict[str, int] = {}
        for instance in self._runner.status().instances:
            if instance.part in parts and instance.pid is not None:
                leaders[f"{PREFIX}-{self._runner.stack.name}-{instance.instance}-{os.getpid()}"] = instance.pid
        for name in {*self._groups} - {*leaders}:
            self._controller.remove(self._groups.pop(name))
        for name, pid in leaders.items():
            self._groups[name] = self._controller.limit(name, self._share)
            for member in process.tree(pid):
                with contextlib.suppress(OSError):  # it has just ended
                    (self._groups[name] / "cgroup.procs").write_text(str(member.pid))
        return len(leaders)

    def throttled(self) -> int:
        """Return in how many periods replicas ran out of their quota so far."""
        return sum(self._controller.throttled(group) for group in self._groups.values())

    def lift(self) -> None:
        """Let everything run freely again."""
        while self._groups:
            self._controller.remove(self._groups.popitem()[1])


class ContainerQuotas:
    """The same for containers: the engine sets the quotas, and the kernel counts when they are used up."""

    def __init__(self, runner: ComposeRunner, share: float) -> None:
        """`share` is of one core, the same for each replica."""
        self._runner = runner
        self._engine = Engine()
        self._share = share
        self._limited: list[Container] = []

    @property
    def version(self) -> int:
        """The version of control groups in use."""
        return 2 if (MOUNT / "cgroup.controllers").exists() else 1

    def apply(self, parts: Sequence[str]) -> int:
        """Limit every live replica of these parts, and no other; return how many there are."""
        self.lift()
        self._limited = [one for part, one in self._runner.replicas if part.name in parts and one.pid]
        for one in self._limited:
            self._engine.update(one, NanoCpus=round(self._share * CORE))
        return len(self._limited)

    def throttled(self) -> int:
        """Return in how many periods replicas ran out of their quota so far. Raises OSError without control groups."""
        return sum(cgroups.value(cgroups.folder(one, "cpu") / "cpu.stat", "nr_throttled") for one in self._limited)

    def lift(self) -> None:
        """Let everything run freely again: to the engine no limit is 'as before', so it gets all cores."""
        alive = {one.id for _, one in self._runner.replicas}
        for one in self._limited:
            if one.id in alive:
                self._engine.update(one, NanoCpus=(os.cpu_count() or 1) * CORE)
        self._limited = []
