"""The containers of a stack: found by name, started in the order of their needs, waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from deploy.compose.edge import serving_addresses
from deploy.compose.edge_config import GONE_WITHIN_S
from deploy.compose.engine import Container, Engine, docker
from deploy.compose.project import Project
from deploy.model.errors import NotRunning, StartFailed, UnknownTarget
from deploy.model.parts import Part, Stack
from deploy.runner.interface import READY_TIMEOUT_S, InstanceStatus, StackStatus
from deploy.runner.readiness import is_ready

GRACE_S = 15  # stop_grace_period of docker-compose.yml
LOOK_EVERY_S = 0.1
FATAL_RESTARTS = 2  # while the stack comes up
STATES = {"created": "waiting", "paused": "paused", "restarting": "backing off", "running": "starting"}

Replica = tuple[Part, Container]


class ContainerFleet:
    """All containers of one stack. `stack` is as this machine sees it: all ports are on 127.0.0.1."""

    def __init__(self, stack: Stack, project: Project, engine: Engine) -> None:
        self._stack = stack
        self._project = project
        self._engine = engine
        self._part_of = {project.service(part.name): part for part in stack.parts}

    def all(self) -> list[Container]:
        """Return the stack's containers, its way in among them."""
        services = set(self._project.services())
        return [one for one in self._engine.containers(self._project.name) if one.service in services]

    def is_up(self, containers: Iterable[Container]) -> bool:
        """Whether the stack was brought up by us: only then it has a way in, and is made as we ask."""
        return any(one.service == self._project.relay for one in containers) and self._project.is_remembered

    def replicas(self) -> list[Replica]:
        """Return every part's containers, in the order of the topology. Raises NotRunning."""
        containers = self.all()
        if not self.is_up(containers):
            raise NotRunning(f"{self._stack.name} is not up: `twinshop --on compose up {self._stack.name}`.")
        return self._sorted(containers)

    def targeted(self, target: str) -> list[Container]:
        """Return the containers that a name means. Raises UnknownTarget, NotRunning."""
        part, number = self._stack.target(target)
        mine = [one for owner, one in self.replicas() if owner == part]
        containers = [one for one in mine if number is None or one.replica == number]
        if not containers:
            raise UnknownTarget(f"{part.name} has {len(mine)} replicas, and none is called '{target}'.")
        return containers

    def edge(self) -> Container | None:
        """Return the stack's Envoy; None for the outside world, whose edge only passes connections on."""
        return next((one for part, one in self.replicas() if part.kind == "envoy"), None)

    def status(self) -> StackStatus:
        """Say how every replica is, by asking each."""
        containers = self.all()
        if not self.is_up(containers):
            return StackStatus(self._stack.name, up=False)
        memory = self._project.state
        return StackStatus(
            self._stack.name,
            up=True,
            instances=tuple(self._describe(self._sorted(containers))),
            cores=tuple(memory.cores) if memory.cores is not None else None,
            port_shift=memory.shift,
            environment=memory.environment,
        )

    def start_ready_parts(self) -> StackStatus:
        """Start the way in, and each part of which all needs are ready; say how all are."""
        status = self.status()
        ready = {one.part for one in status.instances if one.state == "ready"}
        waiting = [one for one in self.all() if one.state in ("created", "exited")]
        for one in waiting:
            part = self._part_of.get(one.service)
            if part is None or (set(part.needs) <= ready and one.name not in self._project.state.held):
                self._engine.start(one)
        return status

    def wait_serving(self, names: Iterable[str]) -> None:
        """Return when these containers are ready and the edge sends them requests. Raises StartFailed."""
        serving = set(names)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while late := self._not_serving(serving):
            if time.monotonic() > deadline:
                raise StartFailed(f"{', '.join(sorted(late))}: not ready within {READY_TIMEOUT_S:.0f} s.")
            time.sleep(LOOK_EVERY_S)

    def wait_removed(self, target: str) -> None:
        """Return when the edge sends nothing to containers of this part that have ended, or if it never notices.

        Whoever is started before that has the address of the one that was there, and counts as healthy until the
        question to which nobody was there to answer is given up: then nothing is sent to it for a second.
        """
        part, _ = self._stack.target(target)
        deadline = time.monotonic() + GONE_WITHIN_S
        while part.kind == "app" and self._is_remembered(part) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)

    def requests_arrive(self) -> bool:
        """Whether the edge sends requests to every application."""
        return not self._unknown_to_edge(self.replicas())

    def restarts(self, container: Container) -> int:
        """Return how often it was started again, by the engine or by us."""
        return container.restarts + self._project.state.restarts.get(container.name, 0)

    def end(self) -> bool:
        """Stop everything: the edge first, then who needs others, then who is needed. True if there was anything.

        The data goes with it. A volume that outlived the secrets in it would be a database that lets nobody in.
        """
        waves: tuple[list[Container], ...] = ([], [], [])
        containers = self.all()
        for one in containers:
            kind = self._part_of[one.service].kind if one.service in self._part_of else ""
            waves[{"envoy": 0, "app": 1}.get(kind, 2)].append(one)
        for wave in waves:
            in_parallel(self._engine.unpause, wave)
            in_parallel(lambda one: self._engine.stop(one, GRACE_S), wave)
        in_parallel(self._engine.remove, containers)
        self._engine.remove_volumes(self._project.name, self._project.services())
        if containers:
            self._engine.remove_idle_networks(self._project.name)
        return bool(containers)

    def _sorted(self, containers: Iterable[Container]) -> list[Replica]:
        order = {name: number for number, name in enumerate(self._part_of)}
        mine = [one for one in containers if one.service in order]
        mine.sort(key=lambda one: (order[one.service], one.replica))
        return [(self._part_of[one.service], one) for one in mine]

    def _describe(self, replicas: Sequence[Replica]) -> Iterable[InstanceStatus]:
        for (part, one), ready in zip(replicas, asyncio.run(_ask(replicas)), strict=True):
            restarts = self.restarts(one)
            state = "held" if one.name in self._project.state.held else STATES.get(one.state, "stopped")
            yield InstanceStatus(
                instance=part.instance(one.replica),
                part=part.name,
                state="ready" if ready and state == "starting" else state,
                pid=one.pid or None,
                ports={name: port + one.replica for name, port in part.ports.items()},
                restarts=restarts,
                trouble=f"ended with status {one.exit_code}" if one.exit_code and not ready else "",
                fatal=one.restarts >= FATAL_RESTARTS and not ready,
            )

    def _not_serving(self, names: set[str]) -> set[str]:
        replicas = [(part, one) for part, one in self.replicas() if one.name in names]
        ready = asyncio.run(_ask(replicas))
        if not all(ready):
            return {one.name for (_, one), is_there in zip(replicas, ready, strict=True) if not is_there}
        return self._unknown_to_edge(replicas)

    def _unknown_to_edge(self, replicas: Sequence[Replica]) -> set[str]:
        """Return the applications that the edge sends no requests; none if it is away itself."""
        addresses = self._serving_addresses()
        if addresses is None:
            return set()
        apps = [(part.name, one) for part, one in replicas if part.kind == "app"]
        return {one.name for name, one in apps if not addresses.get(name, set()) & one.addresses}

    def _is_remembered(self, part: Part) -> bool:
        """Whether the edge sends requests for this part where no container of it runs."""
        addresses = self._serving_addresses() or {}
        live = {address for owner, one in self.replicas() if owner == part for address in one.addresses}
        return bool(addresses.get(part.name, set()) - live)

    def _serving_addresses(self) -> dict[str, set[str]] | None:
        """Return where the edge sends the requests for each part; None if it is away itself."""
        edge = self.edge()
        return (
            serving_addresses(partial(docker, "exec", edge.id))
            if edge is not None and edge.state == "running"
            else None
        )


def in_parallel(act: Callable[[Container], object], containers: Sequence[Container]) -> None:
    """Do something to all of them, side by side; the first error comes back."""
    if containers:
        with ThreadPoolExecutor(max_workers=len(containers)) as pool:
            list(pool.map(act, containers))


async def _ask(replicas: Sequence[Replica]) -> list[bool]:
    """Ask each replica that runs whether it is ready."""

    async def ask(part: Part, one: Container) -> bool:
        return one.state == "running" and await is_ready(part, part.port(part.probe.port, one.replica))

    return list(await asyncio.gather(*(ask(part, one) for part, one in replicas)))
