"""The process that stays: it runs one stack's parts and takes commands. `python -m deploy.local.supervisor <order>`."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from deploy.envoy import admin
from deploy.local import launch
from deploy.local.control import serve, socket_path
from deploy.local.fleet import Fleet, Settings
from deploy.local.instance import Instance
from deploy.local.process import Launch, ProcessIdentity, rotate_logs
from deploy.local.state import State
from deploy.model import keys
from deploy.model.errors import DeployError, NotRunning
from deploy.model.home import REPOSITORY, Home
from deploy.model.parts import Part, Stack, changed
from deploy.runner.interface import StackStatus

ROTATE_EVERY_S = 5.0  # one look at each log's size; at most some megabytes come meanwhile
Command = Callable[..., Awaitable[Any]]


class Supervisor:
    """One stack's fleet behind a control channel."""

    def __init__(self, home: Home, topology: str, stack: str, shift: int, settings: Settings) -> None:
        self._home = home
        self._topology = topology
        self._name = stack
        self._folder = home.stack(stack)
        self._shift = shift
        self._secrets = keys.load(home.keys)
        self._fleet = Fleet(self._stack(), self._folder / "envoy", self._prepare, settings, self._save)
        self._down = asyncio.Event()
        self._control = socket_path(self._folder)
        self._me = ProcessIdentity.of(os.getpid())

    async def run(self) -> None:
        """Start everything, serve commands until `down` or a signal, stop everything."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._down.set)
        server = await serve(self._control, self._command)
        self._save()
        self._fleet.start()
        rotation = asyncio.create_task(self._rotate_logs())
        await self._down.wait()
        rotation.cancel()
        await self._fleet.end()
        server.close()
        State.remove(self._folder)

    async def _rotate_logs(self) -> None:
        """Look at the size of each log for as long as the stack runs."""
        looks: list[Callable[[], object]] = [partial(rotate_logs, self._home.logs(self._name))]
        edges = [part for part in self._fleet.stack.parts if part.kind == "envoy"]
        looks += [partial(admin.rotate_log, self._folder / "envoy", edge.admin) for edge in edges]
        while True:
            await asyncio.sleep(ROTATE_EVERY_S)
            for look in looks:
                with contextlib.suppress(NotRunning, OSError):  # Envoy is away, or the disk is full: the next look
                    await asyncio.to_thread(look)

    def _stack(self) -> Stack:
        return launch.stack_at(self._home, self._secrets, self._topology, self._name, self._shift)[1]

    def _prepare(self, part: Part, replica: int, extra: Mapping[str, str]) -> Launch:
        return launch.prepare(self._home, self._fleet.stack, part, replica, secrets=self._secrets, extra=extra)

    async def _command(self, command: str, arguments: dict[str, Any]) -> Any:
        commands: dict[str, Command] = {
            "status": self._status,
            "down": self._stop,
            "scale": self._fleet.scale,
            "restart": self._fleet.restart,
            "kill": partial(self._each, Instance.kill),
            "hold": self._hold,
            "release": self._release,
            "pause": partial(self._each, partial(Instance.pause, on=True)),
            "resume": partial(self._each, partial(Instance.pause, on=False)),
            "configure": self._configure,
            "stats": self._stats,
            "pin": self._pin,
            "reshape": self._reshape,
        }
        if command not in commands:
            raise DeployError(f"The supervisor knows no command '{command}'.")
        return await commands[command](**arguments)

    async def _status(self) -> dict[str, Any]:
        instances = tuple(instance.status() for instance in self._fleet.instances())
        settings = self._fleet.settings
        return asdict(StackStatus(self._fleet.stack.name, True, instances, self._fleet.cores, self._shift, settings))

    async def _stop(self) -> None:
        self._down.set()

    async def _each(self, act: Callable[[Instance], None], target: str) -> None:
        for instance in self._fleet.targeted(target):
            act(instance)

    async def _hold(self, target: str, kill: bool) -> None:
        await asyncio.gather(*(instance.hold(kill=kill) for instance in self._fleet.targeted(target)))

    async def _release(self, target: str) -> None:
        instances = self._fleet.targeted(target)
        for instance in instances:
            instance.release()
        await self._fleet.wait_serving(instances)

    async def _configure(self, part: str, environment: dict[str, str | None], restart: bool) -> None:
        target = self._fleet.stack.part(part)
        settings = changed(self._fleet.settings.get(target.name, {}), environment)
        target.command_with(settings)  # refuses a variant that there is not, before anything is restarted
        self._fleet.settings[target.name] = settings
        if restart:
            await self._fleet.restart(target.name)

    async def _reshape(self, settings: Settings | None = None) -> None:
        await self._fleet.reshape(self._stack(), settings or {})

    async def _stats(self, memory: bool) -> list[dict[str, Any]]:
        stats = await asyncio.to_thread(self._fleet.stats, memory=memory)
        return [asdict(part) for part in stats]

    async def _pin(self, cores: list[int] | None) -> None:
        self._fleet.pin(cores)

    def _save(self) -> None:
        assert self._me is not None
        running = {one.name: one.identity for one in self._fleet.instances() if one.identity is not None}
        state = State(self._name, self._shift, self._me, str(self._control), running, self._fleet.settings)
        try:
            state.write(self._folder)
        except OSError as error:  # a full disk: the parts go on, and are found by their marks
            sys.stderr.write(f"cannot write the state: {error}\n")


def main() -> int:
    """Run the supervisor that the JSON object in the first argument describes (see `LocalRunner.begin`)."""
    os.setsid()  # Ctrl-C at the terminal that started us is not for us
    os.chdir(REPOSITORY)
    order = json.loads(sys.argv[1])
    home = Home.from_environment()
    with (home.stack(order["stack"]) / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system gives it back when we die
        except BlockingIOError:
            sys.stderr.write(f"another supervisor runs {order['stack']}\n")
            return 3
        asyncio.run(Supervisor(home, **order).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
