"""Runs a stack as containers: the `Runner` that speaks to `docker compose` and to its engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from deploy.compose import build_images, secrets
from deploy.compose.cgroups import usage_of
from deploy.compose.edge import set_runtime
from deploy.compose.engine import Container, Engine, docker
from deploy.compose.fleet import GRACE_S, ContainerFleet, Replica, in_parallel
from deploy.compose.project import Project, cpuset
from deploy.compose.site import STACKS, inside
from deploy.model import keys
from deploy.model.errors import Unsupported
from deploy.model.home import Home
from deploy.model.parts import Part, Site, Stack, changed
from deploy.model.ports import PROXY_PORTS, checked_shift, port_shift
from deploy.model.topology import stack as stack_of
from deploy.runner import port_check
from deploy.runner.interface import NOTHING, PartStats, ProxyPlace, Runner, StackStatus, joined


class ComposeRunner(Runner):
    """One stack as containers. `stack` and `site` are as this machine sees them: everything is on 127.0.0.1."""

    def __init__(self, stack: str, home: Home | None = None, shift: int | None = None) -> None:
        self._home = home or Home.from_environment()
        key_store = keys.ensure(self._home.keys)
        data = str(self._home.root / "compose")
        own_shift = None if shift is None else checked_shift(shift)
        self._project = Project(stack, self._home, own_shift, default_shift=port_shift())
        self._site = Site(key_store, keys=str(self._home.keys), data=data, shift=self._project.state.shift)
        self._stack = stack_of(stack, self._site)
        self._engine = Engine()
        self._fleet = ContainerFleet(self._stack, self._project, self._engine)

    @property
    def inside(self) -> Stack:
        return inside(self._site.secrets, self._stack.name, self._site.shift)

    @property
    def proxy(self) -> ProxyPlace:
        return ProxyPlace(self._project.exchange, self._project.relay, PROXY_PORTS.get(self._stack.name, 0))

    def begin(self, environment: Mapping[str, Mapping[str, str]] | None = None) -> bool:
        containers = self._fleet.all()
        if self._fleet.is_up(containers):
            return False
        if self._stack.name not in STACKS:
            raise Unsupported(f"docker-compose.yml has no {self._stack.name}; it has {', '.join(STACKS)}.")
        if not containers:
            port_check.require_free(self._stack)
        secrets.ensure(self._home)
        self._project.state.environment = {name: dict(values) for name, values in (environment or {}).items()}
        self._project.save()
        build_images.build_missing(self._engine, self._project)
        # What somebody has started by hand is made ours with it: it gets a way in, and our settings.
        self._project.compose("up", "--no-start", "--no-deps", *self._project.services())
        self._fleet.start_ready_parts()
        return True

    def _advance(self) -> StackStatus:
        return self._fleet.start_ready_parts()

    def _requests_arrive(self, status: StackStatus) -> bool:
        return self._fleet.requests_arrive()

    def down(self) -> bool:
        ran = self._fleet.end()
        self._project.forget()
        return ran

    def scale(self, part: str, replicas: int) -> None:
        scaled = self._stack.scalable_part(part, replicas)
        current = self._fleet.targeted(part)
        if replicas > len(current):
            self._make(scaled, replicas, "--no-recreate")
        # One by one: what is refused is sent once more, and must not meet another that leaves.
        for one in reversed(current[replicas:]):
            self._stop(one)
            self._engine.remove(one)
            self._fleet.wait_removed(part)

    def kill(self, target: str) -> None:
        for one in self._fleet.targeted(target):
            self._engine.kill(one)
            if one.name not in self._project.state.held:
                # For the engine it was meant, so that its restart policy does nothing: we do.
                self._start_again(one)

    def hold(self, target: str, *, kill: bool = False) -> None:
        replicas = self._fleet.targeted(target)
        self._project.state.held = sorted({*self._project.state.held, *(one.name for one in replicas)})
        self._project.save()
        in_parallel(self._engine.kill if kill else self._stop, replicas)

    def release(self, target: str) -> None:
        replicas = self._fleet.targeted(target)
        self._project.state.held = sorted({*self._project.state.held} - {one.name for one in replicas})
        self._project.save()
        self._fleet.wait_removed(target)
        for one in replicas:
            if one.state != "running":
                self._start_again(one)
        self._fleet.wait_serving(one.name for one in replicas)

    def pause(self, target: str) -> None:
        in_parallel(self._engine.pause, self._fleet.targeted(target))

    def resume(self, target: str) -> None:
        in_parallel(self._engine.unpause, self._fleet.targeted(target))

    def restart(self, target: str) -> None:
        for one in self._fleet.targeted(target):
            self._stop(one)
            self._fleet.wait_removed(target)
            self._start_again(one)
            self._fleet.wait_serving([one.name])

    def configure(self, part: str, environment: Mapping[str, str | None], *, restart: bool = True) -> None:
        if not restart:
            raise Unsupported("A container keeps the settings that it was made with until it is made again.")
        target, replicas = self._stack.part(part), self._fleet.targeted(part)
        settings = self._project.state.environment
        settings[part] = changed(settings.get(part, {}), environment)
        for one in replicas:
            self._project.count_restart(one.name)
        self._project.save()
        self._make(target, len(replicas))

    def status(self) -> StackStatus:
        return self._fleet.status()

    def stats(self, *, memory: bool = True) -> list[PartStats]:
        replicas = self._fleet.replicas()
        stats = []
        for part in self._stack.parts:
            ours = [one for owner, one in replicas if owner == part]
            used = sum((usage_of(self._engine, one, memory=memory) for one in ours), NOTHING)
            stats.append(used.of_part(part.name, len(ours), sum(self._fleet.restarts(one) for one in ours)))
        return stats

    def pin(self, cores: Sequence[int] | None) -> None:
        for _, one in self._fleet.replicas():
            self._engine.update(one, CpusetCpus=cpuset(cores))
        self._project.state.cores = None if cores is None else sorted(cores)
        self._project.save()

    @property
    def replicas(self) -> list[Replica]:
        """Every part's containers. Raises NotRunning."""
        return self._fleet.replicas()

    def logs(self, target: str, lines: int = 50) -> str:
        part, _ = self._stack.target(target)
        replicas = self._fleet.targeted(target)
        return joined({part.instance(one.replica): docker("logs", "--tail", f"{lines}", one.id) for one in replicas})

    def set_runtime(self, values: Mapping[str, str]) -> None:
        if (edge := self._fleet.edge()) is not None:
            set_runtime(partial(docker, "exec", edge.id), values)

    def _make(self, part: Part, replicas: int, *options: str) -> None:
        """Let compose bring a part to this many containers, made as the files say; wait until they serve."""
        service = self._project.service(part.name)
        self._project.compose("up", "--detach", "--no-deps", "--scale", f"{service}={replicas}", *options, service)
        self._fleet.wait_serving(one.name for one in self._fleet.targeted(part.name))

    def _stop(self, container: Container) -> None:
        self._engine.unpause(container)
        self._engine.stop(container, GRACE_S)

    def _start_again(self, container: Container) -> None:
        self._engine.start(container)
        self._project.count_restart(container.name)
        self._project.save()
