"""The one interface to a running stack, whether its parts are processes or containers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.envoy.listeners import RATE_LIMIT_KEY
from deploy.model.errors import StartFailed, Unsupported
from deploy.model.parts import Site, Stack
from deploy.runner import fresh_data

COMING = ("waiting", "starting", "backing off")  # states of what is meant to be ready, and is not yet
LOOK_EVERY_S = 0.05
READY_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class InstanceStatus:
    """One replica. `state`: waiting, starting, ready, paused, held, backing off, stopping, stopped."""

    instance: str
    part: str
    state: str
    pid: int | None
    ports: Mapping[str, int]
    restarts: int
    trouble: str = ""  # why it is not ready, if we know
    fatal: bool = False  # it died again and again while the stack was coming up


@dataclass(frozen=True)
class StackStatus:
    """All replicas of a stack; none if it is down."""

    stack: str
    up: bool
    instances: tuple[InstanceStatus, ...] = ()
    cores: tuple[int, ...] | None = None
    port_shift: int = 0
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether every part that is meant to run is ready."""
        return self.up and all(instance.state == "ready" for instance in self.instances)


@dataclass(frozen=True)
class Usage:
    """What a process tree or a container used. `cpu_s` only grows while the leader lives."""

    cpu_s: float
    memory_bytes: int
    memory_kind: str  # "pss"; "rss" where the system has no PSS, which counts shared pages more than once; "cgroup"
    processes: int

    def __add__(self, other: Usage) -> Usage:
        """Add two trees, or two containers, up; one RSS makes the sum an RSS."""
        kinds = {one.memory_kind for one in (self, other) if one.processes}
        return Usage(
            self.cpu_s + other.cpu_s,
            self.memory_bytes + other.memory_bytes,
            "rss" if "rss" in kinds else next(iter(kinds), self.memory_kind),
            self.processes + other.processes,
        )

    def of_part(self, part: str, replicas: int, restarts: int) -> PartStats:
        """Return it as that of a part."""
        return PartStats(**vars(self), part=part, replicas=replicas, restarts=restarts)


NOTHING = Usage(0.0, 0, "pss", 0)


@dataclass(frozen=True)
class PartStats(Usage):
    """What a part's live replicas used since they started. A restart since the last look starts `cpu_s` again."""

    part: str
    replicas: int
    restarts: int


Watch = Callable[[StackStatus], None]


@dataclass(frozen=True)
class ProxyPlace:
    """Where the proxy of a stack is told what to do, and where the stack's parts find it (deploy/faults/proxy.py)."""

    folder: Path
    host: str
    first_port: int


class Runner(ABC):
    """Runs one stack. A target is a part (`payments`: all its replicas) or a replica (`payments.1`).

    Every method raises a DeployError with a message for the user: UnknownTarget, NotRunning, ...
    """

    edge_keeps_log = False  # of what is traced (see envoy/access_log.py)
    _stack: Stack
    _site: Site

    @property
    def stack(self) -> Stack:
        """The stack's parts, with their settings as they are on this site."""
        return self._stack

    @property
    def site(self) -> Site:
        """Where the parts of this and of the other stacks are, seen from this machine."""
        return self._site

    @property
    def inside(self) -> Stack:
        """The stack's parts with their settings as they have them themselves."""
        return self.stack

    @property
    def proxy(self) -> ProxyPlace:
        """Where connections can be led through a proxy. Nothing runs there until it is started. Raises Unsupported."""
        raise Unsupported("Here no connection can be led through the proxy of the `tcp-` faults.")

    def start_proxy(self, script: Path) -> None:  # noqa: B027  (where it is the way in, it always runs)
        """Have the proxy running, which is this script; it ends when there is nothing to do."""

    @property
    def address(self) -> str:
        """The public address of the shop, or of the outside world's provider."""
        return self.site.url(self.stack.name, "provider" if self.stack.name == "outside" else "edge")

    def up(
        self,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        watch: Watch | None = None,
        timeout_s: float = READY_TIMEOUT_S,
    ) -> bool:
        """Start all parts and return when they are ready: True, or False if somebody else has started them.

        `environment` adds settings to parts by name, `"*"` to every application. `watch` is called
        with the status several times a second. Raises PortTaken, StartFailed, FolderTrouble; what
        was started is stopped again.
        """
        is_ours = self.begin(environment)
        try:
            wait_until_up([self], [self] if is_ours else [], watch, timeout_s)
        except BaseException:  # Ctrl-C included: what was started is stopped
            if is_ours:
                self.down()
            raise
        return is_ours

    def choose(self, names: Collection[str]) -> None:
        """Have these beside the four modules from the next start until the stack is stopped; no matter if it is up.

        Raises DeployError for what this stack cannot have, or not here.
        """
        if names:
            raise Unsupported(
                f"Containers are offered without {', '.join(names)}: `twinshop --on local up --with ...`."
            )

    @abstractmethod
    def begin(self, environment: Mapping[str, Mapping[str, str]] | None = None) -> bool:
        """Start what can be started and return soon: True, or False if somebody else has started it. See `up`."""

    def is_finished(self, watch: Watch | None = None) -> bool:
        """Carry on with what was begun, and tell whether all parts are ready. Raises StartFailed if one never will."""
        status = self._advance()
        self._show(status, watch, "starting")
        return status.ready and self._requests_arrive(status)

    def has_come_up(self, watch: Watch | None = None) -> bool:
        """Tell whether a stack that somebody else has started is up. What is held or paused is not waited for.

        Raises StartFailed if whoever started it has stopped it again, or if a part never will be ready.
        """
        status = self.status()
        if not status.up:
            if self._is_being_started():
                return False
            raise StartFailed(f"{self.stack.name} was being started by another command, and has been stopped again.")
        self._show(status, watch, "another command was starting it")
        return not any(one.state in COMING for one in status.instances)

    def _show(self, status: StackStatus, watch: Watch | None, during: str) -> None:
        if watch is not None and status.up:
            watch(status)
        for one in status.instances:
            if one.fatal:
                raise StartFailed(
                    f"{self.stack.name}/{one.instance} {one.trouble} while {during}. "
                    f"The end of its log:\n{self.logs(one.instance, 20)}"
                )

    @abstractmethod
    def _advance(self) -> StackStatus:
        """Start what can be started by now, and say how far the stack is. Raises StartFailed."""

    @abstractmethod
    def _requests_arrive(self, status: StackStatus) -> bool:
        """Whether the edge sends requests to every replica that is ready; it learns of them a moment later."""

    def _is_being_started(self) -> bool:
        """Whether somebody else is about to start it, so that its status says nothing yet."""
        return False

    @abstractmethod
    def down(self) -> bool:
        """Stop all parts and leave no process; True if anything ran."""

    @abstractmethod
    def scale(self, part: str, replicas: int) -> None:
        """Bring a part to this many replicas, without a failed request; returns when they are ready or gone."""

    @abstractmethod
    def kill(self, target: str) -> None:
        """kill -9 the whole process group; it comes back after a short back-off, unless it is held."""

    @abstractmethod
    def hold(self, target: str, *, kill: bool = False) -> None:
        """Stop (gracefully, or with -9) and keep down until released."""

    @abstractmethod
    def release(self, target: str) -> None:
        """Start what was held, at once; returns when it is ready."""

    @abstractmethod
    def pause(self, target: str) -> None:
        """Freeze the processes (SIGSTOP): connections stay open and nothing answers."""

    @abstractmethod
    def resume(self, target: str) -> None:
        """Let frozen processes go on."""

    @abstractmethod
    def restart(self, target: str) -> None:
        """Stop gracefully and start again, one replica after the other; returns when all are ready."""

    @abstractmethod
    def configure(self, part: str, environment: Mapping[str, str | None], *, restart: bool = True) -> None:
        """Change settings of a part (None takes one back to its default) and restart it.

        Without `restart` they count from its next start on. Raises Unsupported: a container keeps its settings.
        """

    @abstractmethod
    def status(self) -> StackStatus:
        """Say how each replica is."""

    @abstractmethod
    def stats(self, *, memory: bool = True) -> list[PartStats]:
        """Return CPU seconds and memory by part. Without `memory` it is cheap enough for short slices."""

    @abstractmethod
    def pin(self, cores: Sequence[int] | None) -> None:
        """Bind every thread of the stack, also of processes to come, to cores; None: all. Raises Unsupported."""

    @abstractmethod
    def logs(self, target: str, lines: int = 50) -> str:
        """Return the end of the log of a part's replicas, each below its name where there are several."""

    def reset(self, products: int = 1000) -> None:
        """Make the data fresh: databases, streams, this shop's ledger and mails. Nothing restarts."""
        fresh_data.reset(self.stack, self.site, products)

    def rate_limit(self, *, on: bool) -> None:
        """Switch the edge's rate limit on or off."""
        self.set_runtime({RATE_LIMIT_KEY: "100" if on else "0"})

    @abstractmethod
    def set_runtime(self, values: Mapping[str, str]) -> None:
        """Set runtime keys of the edge (faults on its links are such); they last until it restarts."""


def wait_until_up(
    runners: Iterable[Runner], starting: Collection[Runner], watch: Watch | None, timeout_s: float
) -> None:
    """Wait for all of them, in this one thread, so that Ctrl-C gets through at once; `starting` are those begun here.

    Raises StartFailed.
    """
    deadline = time.monotonic() + timeout_s
    waiting = list(runners)
    while waiting := [one for one in waiting if not (one.is_finished if one in starting else one.has_come_up)(watch)]:
        if time.monotonic() > deadline:
            raise StartFailed("; ".join(_lateness(one, timeout_s, is_ours=one in starting) for one in waiting))
        time.sleep(LOOK_EVERY_S)


def joined(logs: Mapping[str, str]) -> str:
    """Return logs of replicas, by name, as `Runner.logs` does."""
    if len(logs) == 1:
        return next(iter(logs.values()))
    return "\n".join(f"==> {name} <==\n{text}" for name, text in logs.items())


def _lateness(runner: Runner, timeout_s: float, *, is_ours: bool) -> str:
    late = ", ".join(one.instance for one in runner.status().instances if one.state in COMING)
    by_whom = "" if is_ours else "started by another command, "
    return f"{runner.stack.name}: {by_whom}not ready within {timeout_s:.0f} s: {late}"
