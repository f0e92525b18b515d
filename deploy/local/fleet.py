"""All replicas of a stack: brought up in the order of their needs, scaled, steered by name, told to Envoy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from deploy.envoy import bootstrap, xds
from deploy.local import balancing, process
from deploy.local.instance import Instance
from deploy.local.process import Launch
from deploy.local.usage import usage_of
from deploy.model.errors import DeployError, StartFailed, UnknownTarget, Unsupported
from deploy.model.parts import Part, Stack
from deploy.runner.interface import NOTHING, READY_TIMEOUT_S, PartStats

LOOK_EVERY_S = 0.2

Prepare = Callable[[Part, int, Mapping[str, str]], Launch]
Settings = dict[str, dict[str, str]]


class Fleet:
    """The replicas of one stack. `changed` is called whenever a process has come or gone."""

    def __init__(
        self, stack: Stack, envoy_folder: Path, prepare: Prepare, settings: Settings, changed: Callable[[], None]
    ) -> None:
        self.stack = stack
        self.settings = settings
        self.cores: tuple[int, ...] | None = None
        self._all_cores = os.sched_getaffinity(0) if process.can_pin() else set()
        self._envoy_folder = envoy_folder
        self._prepare = prepare
        self._changed = changed
        self._replicas: dict[str, list[Instance]] = {part.name: [] for part in stack.parts}
        self._lives: set[asyncio.Task[None]] = set()
        self._scaling = asyncio.Lock()
        self._edge = next((part for part in stack.parts if part.kind == "envoy"), None)

    def start(self) -> None:
        """Start one replica of every part, each as soon as what it needs is ready."""
        self._begin(self.stack.parts)

    async def end(self) -> None:
        """Stop everything: the edge first, then who needs others, then who is needed."""
        if self._edge is not None:
            await asyncio.gather(*(instance.end() for instance in self._replicas[self._edge.name]))
        needed = {name for part in self.stack.parts for name in part.needs}
        for wave in (False, True):
            names = [part.name for part in self.stack.parts if (part.name in needed) is wave and part != self._edge]
            await asyncio.gather(*(instance.end() for name in names for instance in self._replicas[name]))
        await asyncio.gather(*self._lives, return_exceptions=True)

    def instances(self) -> list[Instance]:
        """Return all replicas, in the order of the topology."""
        return [instance for replicas in self._replicas.values() for instance in replicas]

    def targeted(self, target: str) -> list[Instance]:
        """Return the replicas that a name means. Raises UnknownTarget."""
        part, number = self.stack.target(target)
        replicas = self._replicas[part.name]
        if number is None:
            return list(replicas)
        for instance in replicas:
            if instance.replica == number:
                return [instance]
        raise UnknownTarget(f"{part.name} has {len(replicas)} replicas, and none is called '{target}'.")

    async def reshape(self, stack: Stack, settings: Settings) -> None:
        """Go over to another set of parts of the same stack: new ones are started, and ready when this returns.

        Parts that are no more are drained and stopped. Settings of parts that stay are those of their next start;
        `settings` replace some of them.
        """
        async with self._scaling:
            surplus = [part for part in self.stack.parts if part.name not in {one.name for one in stack.parts}]
            self.stack = stack
            self.settings.update(settings)
            self._edge = next((part for part in stack.parts if part.kind == "envoy"), None)
            for part in reversed(surplus):  # who needs others is behind them in a topology
                await self._retire(part, self._replicas[part.name])
                del self._replicas[part.name]
                self.settings.pop(part.name, None)
            if self._edge is not None:
                bootstrap.reload(stack, self._edge, self._envoy_folder)
            fresh = [part for part in stack.parts if part.name not in self._replicas]
            for part in stack.parts:
                for instance in self._replicas.setdefault(part.name, []):
                    instance.part = part
            self._begin(fresh)
            await self.wait_serving([one for part in fresh for one in self._replicas[part.name]])

    async def scale(self, name: str, replicas: int) -> None:
        """Bring a part to this many replicas: ready before they are told to Envoy, drained before they are stopped."""
        part = self.stack.scalable_part(name, replicas)
        async with self._scaling:
            current = self._replicas[name]
            fresh = [self._add(part) for _ in range(replicas - len(current))]
            for instance in fresh:
                self._run(instance)
            try:
                await self.wait_serving(fresh)
            except StartFailed:
                await self._retire(part, fresh)
                raise
            await self._retire(part, current[replicas:])

    async def restart(self, target: str) -> None:
        """Restart replicas one after the other; the others of the part serve meanwhile."""
        for instance in self.targeted(target):
            await self._drain(instance.part, [instance])
            try:
                async with asyncio.timeout(READY_TIMEOUT_S):
                    await instance.restart()
            except TimeoutError as error:
                raise StartFailed(f"{instance.name} was not ready within {READY_TIMEOUT_S:.0f} s.") from error
            finally:
                instance.draining = False
                self._publish(instance.part)
            await self.wait_serving([instance])

    async def wait_serving(self, instances: Sequence[Instance]) -> None:
        """Return when these are ready and requests reach them. Raises StartFailed."""
        await wait_ready(instances)
        for instance in instances:
            if self._edge is not None and instance.part.kind == "app":
                await balancing.until_routed(self._edge.admin, instance.part, [instance.replica])

    def pin(self, cores: Sequence[int] | None) -> None:
        """Bind the stack to cores. Raises Unsupported, or DeployError for a core that there is not."""
        if not process.can_pin():
            raise Unsupported("This system cannot bind processes to cores.")
        numbers = self._all_cores if cores is None else set(cores)
        if not numbers or not numbers <= self._all_cores:
            raise DeployError(f"Cores {sorted(numbers)} are not all among {sorted(self._all_cores)}.")
        self.cores = None if cores is None else tuple(sorted(numbers))
        os.sched_setaffinity(0, numbers)  # children to come inherit it
        for _ in range(2):  # a thread may be born while we look: its parent is bound by the second round
            process.pin((one for tree in self._trees().values() for one in tree), numbers)

    def stats(self, *, memory: bool) -> list[PartStats]:
        """Return CPU seconds and memory by part."""
        whole = self._trees()
        parts = []
        for name, replicas in self._replicas.items():
            total = NOTHING
            for instance in replicas:
                total += usage_of(whole.get(instance.pid or 0, ()), memory=memory)
            parts.append(total.of_part(name, len(replicas), sum(instance.restarts for instance in replicas)))
        return parts

    def _trees(self) -> dict[int, list[psutil.Process]]:
        return process.trees([instance.pid for instance in self.instances() if instance.pid is not None])

    def _begin(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self._add(part)
        for part in parts:
            self._run(self._replicas[part.name][0], [self._replicas[name][0] for name in part.needs])

    def _add(self, part: Part) -> Instance:
        replicas = self._replicas[part.name]
        number = len(replicas)

        def prepare() -> Launch:
            settings = self.settings.get("*", {}) | self.settings.get(part.name, {})
            return self._prepare(self.stack.part(part.name), number, settings)

        instance = Instance(part, number, prepare, self._note)
        replicas.append(instance)
        return instance

    def _run(self, instance: Instance, needed: Sequence[Instance] = ()) -> None:
        async def needs_are_ready() -> None:
            await asyncio.gather(*(other.wait_ready() for other in needed))

        life = asyncio.create_task(instance.run(needs_are_ready() if needed else None))
        self._lives.add(life)
        life.add_done_callback(self._life_ended)

    def _life_ended(self, life: asyncio.Task[None]) -> None:
        self._lives.discard(life)
        if not life.cancelled() and (error := life.exception()):
            traceback.print_exception(error)  # a defect of ours: into the supervisor's log

    async def _retire(self, part: Part, leaving: Sequence[Instance]) -> None:
        if not leaving:
            return
        await self._drain(part, leaving)
        await asyncio.gather(*(instance.end() for instance in leaving))
        self._replicas[part.name] = [one for one in self._replicas[part.name] if one not in leaving]
        self._changed()

    async def _drain(self, part: Part, leaving: Sequence[Instance]) -> None:
        """Take replicas out of Envoy's list and wait until their last request is answered."""
        if self._edge is None or part.kind != "app":
            return
        for instance in leaving:
            instance.draining = True
        self._publish(part)
        await balancing.until_drained(self._edge.admin, part, [one.replica for one in leaving])

    def _note(self, instance: Instance) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        sys.stderr.write(f"{now} {instance.name} {instance.state} {instance.status().trouble}\n")
        self._publish(instance.part)
        self._changed()

    def _publish(self, part: Part) -> None:
        if self._edge is not None and part.kind == "app":
            serving = [one.part.port("http", one.replica) for one in self._replicas[part.name] if one.serving]
            with contextlib.suppress(OSError):  # a full disk must not end the loop that would notice
                xds.publish_replicas(self._envoy_folder, part.name, serving)


async def wait_ready(instances: Iterable[Instance], timeout_s: float = READY_TIMEOUT_S) -> None:
    """Return when all are ready. Raises StartFailed, at once if one dies again and again while it starts."""
    waiting = list(instances)
    ready = asyncio.ensure_future(asyncio.gather(*(instance.wait_ready() for instance in waiting)))
    try:
        async with asyncio.timeout(timeout_s):
            while not (await asyncio.wait({ready}, timeout=LOOK_EVERY_S))[0]:
                for one in waiting:
                    if one.status().fatal:
                        raise StartFailed(f"{one.name} {one.status().trouble} while starting.")
    except TimeoutError as error:
        late = [one.name for one in waiting if not one.serving]
        raise StartFailed(f"{', '.join(late)}: not ready within {timeout_s:.0f} s.") from error
    finally:
        ready.cancel()
