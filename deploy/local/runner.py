"""Runs a stack as processes of this machine: the `Runner` that speaks to a supervisor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from deploy.envoy import admin, bootstrap, traffic_split
from deploy.envoy.traffic_split import TrafficSplit
from deploy.local import launch, process
from deploy.local.control import ask, socket_path
from deploy.local.start_lock import StartLock
from deploy.local.state import State, end_orphans
from deploy.model import extras, keys, versions
from deploy.model.errors import DeployError, NotRunning, OlderSupervisor, StartFailed
from deploy.model.extraction import ExtractionState
from deploy.model.home import MARK, REPOSITORY, Home
from deploy.model.parts import Stack
from deploy.model.ports import PROXY_PORTS, checked_shift, port_shift
from deploy.model.topology import THIS
from deploy.model.versions import Version
from deploy.runner import port_check
from deploy.runner.interface import LOOK_EVERY_S, InstanceStatus, PartStats, ProxyPlace, Runner, StackStatus, joined

ASK_TIMEOUT_S = 10.0
SLOW_COMMAND_S = 90.0  # scale, restart, release: they wait for readiness
DOWN_TIMEOUT_S = 30.0
ROUTES_KNOWN_WITHIN_S = 5.0


class LocalRunner(Runner):
    """One stack as processes below a supervisor of its own."""

    edge_keeps_log = True

    def __init__(self, stack: str, home: Home | None = None, shift: int | None = None, topology: str = THIS) -> None:
        self._home = home or Home.from_environment()
        self._folder = self._home.stack(stack)
        state = State.read(self._folder)
        # A running stack stays where it was started, whatever the environment says now.
        self._shift = checked_shift(shift) if shift is not None else state.shift if state else port_shift()
        self._secrets = keys.ensure(self._home.keys)
        self._topology = topology
        self._known = self._changing()
        self._site, self._stack = launch.stack_at(self._home, self._secrets, topology, stack, self._shift)
        self._supervisor: int | None = None
        self._starting = StartLock(self._folder)

    @property
    def stack(self) -> Stack:
        # Somebody, perhaps another program, may have extracted a module, or started a version.
        if (now := self._changing()) != self._known:
            self._known, name = now, self._stack.name
            self._site, self._stack = launch.stack_at(self._home, self._secrets, self._topology, name, self._shift)
        return self._stack

    def _changing(self) -> tuple[list[Version], ExtractionState, tuple[str, ...]]:
        return versions.read(self._folder), ExtractionState.read(self._folder), extras.read(self._folder)

    @property
    def versions(self) -> list[Version]:
        """The versions that run beside the first ones."""
        return versions.read(self._folder)

    @property
    def proxy(self) -> ProxyPlace:
        return ProxyPlace(
            self._folder, self._site.host(self._stack.name, ""), PROXY_PORTS.get(self._stack.name, 0) + self._shift
        )

    def start_proxy(self, script: Path) -> None:
        """Run it beside the supervisor; whatever becomes of us, it bears the stack's mark and ends with it."""
        command = (sys.executable, str(script), str(self._folder))
        with self._home.log(self._stack.name, "proxy").open("ab") as log:
            subprocess.run(
                ("/bin/sh", "-c", '"$@" &', "sh", *command), check=True, start_new_session=True,
                env={**os.environ, MARK: str(self._folder)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    @property
    def extraction(self) -> ExtractionState:
        """Which modules are out of the monolith."""
        return ExtractionState.read(self._folder)

    def reshape(self, extraction: ExtractionState, settings: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Run the parts that a monolith has with these modules out; returns when the new ones are ready.

        `settings` replace the topology's, by part.

        Nothing is moved by that: it starts what a module is moved to, and stops what is empty.
        """
        self._home.prepare(self._stack.name)
        extraction.write(self._folder)
        self._ask("reshape", SLOW_COMMAND_S, settings={name: dict(each) for name, each in (settings or {}).items()})

    def choose(self, names: Collection[str]) -> None:
        if not self.status().up:
            extras.write(self._folder, extras.checked(names, self._stack.name))

    def begin(self, environment: Mapping[str, Mapping[str, str]] | None = None) -> bool:
        if self.status().up:
            return False
        for part in self.stack.parts:
            part.command_with((environment or {}).get(part.name, {}))  # refuses a variant that there is not
        self._home.prepare(self._stack.name)
        if not self._starting.acquire():
            return False
        try:
            return self._begin(environment or {})
        except BaseException:
            self._starting.release()
            raise

    def _begin(self, environment: Mapping[str, Mapping[str, str]]) -> bool:
        if self.status().up:  # whoever had the lock before us has started it
            self._starting.release()
            return False
        socket_path(self._folder)  # refuses a folder that is not ours alone
        end_orphans(self._folder)
        self._forget_versions()
        port_check.require_free(self.stack)
        for part in self.stack.parts:
            if part.kind == "envoy":
                bootstrap.write(self.stack, part, self._folder / "envoy")
        State.remove(self._folder)
        order = {
            "stack": self._stack.name,
            "topology": self._topology,
            "shift": self._shift,
            "settings": {name: dict(values) for name, values in environment.items()},
        }
        packages = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._supervisor = process.spawn(
            [sys.executable, "-m", "deploy.local.supervisor", json.dumps(order)],
            {"TWINSHOP_HOME": str(self._home.root), "PYTHONPATH": packages, MARK: str(self._folder)},
            self._home.log(self._stack.name, "supervisor"),
        )
        return True

    def _advance(self) -> StackStatus:
        status = self.status()
        if status.up:
            self._starting.release()  # who else wants it up can see for themselves how far it is
        elif self._supervisor_has_ended():
            raise StartFailed(f"The supervisor of {self._stack.name} ended:\n{self.logs('supervisor', 20)}")
        return status

    def down(self) -> bool:
        state = State.read(self._folder)
        supervisor = state.supervisor.alive() if state is not None else None
        if supervisor is not None:
            try:
                self._ask("down")
            except NotRunning:  # it does not answer
                process.end([supervisor])
            except OlderSupervisor:  # by a signal it stops its parts, too
                supervisor.terminate()
            try:
                supervisor.wait(DOWN_TIMEOUT_S)
            except psutil.TimeoutExpired:
                process.end([supervisor])
        self._supervisor_has_ended()
        orphans_ended = end_orphans(self._folder)
        State.remove(self._folder)
        self._forget_versions()
        extras.write(self._folder, ())
        self._starting.release()
        return supervisor is not None or orphans_ended > 0

    def status(self) -> StackStatus:
        try:
            answer = self._ask("status")
        except NotRunning:
            return StackStatus(self._stack.name, up=False)
        instances = tuple(InstanceStatus(**item) for item in answer.pop("instances"))
        cores = answer.pop("cores")
        return StackStatus(**answer, instances=instances, cores=tuple(cores) if cores is not None else None)

    def scale(self, part: str, replicas: int) -> None:
        self._ask("scale", SLOW_COMMAND_S, name=part, replicas=replicas)

    def kill(self, target: str) -> None:
        self._ask("kill", target=target)

    def hold(self, target: str, *, kill: bool = False) -> None:
        self._ask("hold", SLOW_COMMAND_S, target=target, kill=kill)

    def release(self, target: str) -> None:
        self._ask("release", SLOW_COMMAND_S, target=target)

    def pause(self, target: str) -> None:
        self._ask("pause", target=target)

    def resume(self, target: str) -> None:
        self._ask("resume", target=target)

    def restart(self, target: str) -> None:
        self._ask("restart", SLOW_COMMAND_S, target=target)

    def configure(self, part: str, environment: Mapping[str, str | None], *, restart: bool = True) -> None:
        self._ask("configure", SLOW_COMMAND_S, part=part, environment=dict(environment), restart=restart)

    def stats(self, *, memory: bool = True) -> list[PartStats]:
        return [PartStats(**item) for item in self._ask("stats", memory=memory)]

    def pin(self, cores: Sequence[int] | None) -> None:
        self._ask("pin", cores=None if cores is None else list(cores))

    def logs(self, target: str, lines: int = 50) -> str:
        if target == "supervisor":
            names = [target]
        else:
            part, number = self.stack.target(target)
            every = range(number, number + 1) if number is not None else range(100)
            names = [part.instance(replica) for replica in every] if part.scalable else [part.name]
        paths = [path for name in names if (path := self._home.log(self._stack.name, name)).exists()]
        ends = {path.name: path.read_text("utf-8", errors="replace").splitlines()[-lines:] for path in paths}
        return joined({name: "\n".join(end) for name, end in ends.items()})

    def set_runtime(self, values: Mapping[str, str]) -> None:
        admin.set_runtime(self.stack.part("edge").admin, values)

    def set_weights(self, owner: str, shares: Sequence[TrafficSplit]) -> None:
        """Share the requests of some routes out, in place of what `owner` said before; returns when Envoy does so.

        Requests on their way are not touched. Shares outlive a restart of Envoy. Raises NotRunning, DeployError.
        """
        envoy, edge = self._folder / "envoy", self.stack.part("edge")
        traffic_split.replace(envoy, owner, shares)
        routes = bootstrap.reload(self.stack, edge, envoy)
        deadline = time.monotonic() + ROUTES_KNOWN_WITHIN_S
        # A listener that was taken away keeps its routes while it drains, so Envoy may know more than is wanted.
        while missing := routes.items() - admin.routes_versions(edge.admin).items():
            if time.monotonic() > deadline:
                names = ", ".join(sorted(name for name, _ in missing))
                raise DeployError(
                    f"The edge of {self._stack.name} does not take its new routes ({names}); see its log."
                )
            time.sleep(LOOK_EVERY_S)

    def add_version(self, version: Version) -> None:
        """Start a version beside the first one; returns when it is ready. Nothing is sent to it yet.

        Raises StartFailed, and then it is gone again; NotRunning, DeployError.
        """
        self._ask("status")  # before anything is written
        versions.write(self._folder, [*self.versions, version])
        try:
            self._ask("reshape", SLOW_COMMAND_S)
        except DeployError as error:
            log = self.logs(version.cluster, 20)
            self.remove_version(version)
            raise StartFailed(f"{version.cluster} did not start: {error} The end of its log:\n{log}") from error

    def remove_version(self, version: Version) -> None:
        """Stop a version to which nothing is sent any more: its last requests are answered first."""
        versions.write(self._folder, [one for one in self.versions if one.cluster != version.cluster])
        self._ask("reshape", SLOW_COMMAND_S)

    def _forget_versions(self) -> None:
        """Versions end with their stack, and so does what was sent to them."""
        for version in self.versions:
            traffic_split.replace(self._folder / "envoy", version.owner, [])
        (self._folder / versions.FILE).unlink(missing_ok=True)

    def _requests_arrive(self, status: StackStatus) -> bool:
        for part in self.stack.parts:
            if part.kind == "envoy":
                apps = [one for one in status.instances if self.stack.part(one.part).kind == "app"]
                ports = {port for one in apps for port in admin.replica_ports(part.admin, one.part)}
                return ports >= {one.ports["http"] for one in apps}
        return True

    def _is_being_started(self) -> bool:
        return self._starting.is_held_by_another()

    def _supervisor_has_ended(self) -> bool:
        """Whether the supervisor that we started is gone; if so, take its exit status, so that no zombie stays."""
        if self._supervisor is None:
            return False
        try:
            ended, _ = os.waitpid(self._supervisor, os.WNOHANG)
        except ChildProcessError:
            return True
        if ended:
            self._supervisor = None
        return ended != 0

    def _ask(self, command: str, timeout_s: float = ASK_TIMEOUT_S, **arguments: Any) -> Any:
        state = State.read(self._folder)
        if state is None or state.supervisor.alive() is None:
            raise NotRunning(f"{self._stack.name} is not up: `twinshop up {self._stack.name}`.")
        if not state.control_socket:
            raise OlderSupervisor(
                f"{self._stack.name} was started by an older version of twinshop, which takes no commands from this "
                f"one: `twinshop down {self._stack.name}` stops it, `twinshop up {self._stack.name}` starts it again."
            )
        return ask(state.control_socket, command, arguments, timeout_s)
