"""Speaks to the container engine through its socket: what runs, and what shall happen to it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from deploy.model.errors import DeployError, NotRunning, Unsupported
from deploy.runner.program import output_of
from deploy.runner.unix_http import UnixConnection

TIMEOUT_S = 30.0
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
VOLUME = "com.docker.compose.volume"
NUMBER = "com.docker.compose.container-number"


@dataclass(frozen=True)
class Container:
    """One container, as it was when it was looked at. `pid` is 0 and it has no address where it does not run."""

    id: str
    name: str
    service: str
    replica: int  # from 0
    state: str  # created, running, paused, restarting, exited
    pid: int
    restarts: int  # by the engine, since it was created
    exit_code: int
    addresses: frozenset[str]


class Engine:
    """The engine that `docker` speaks to. Made without connecting. Every method raises NotRunning, or DeployError."""

    def __init__(self) -> None:
        self._path: str | None = None

    def containers(self, project: str) -> list[Container]:
        """Return all containers of a compose project, whether they run or not."""
        items = self._ask("GET", "/containers/json", all="true", filters=_labelled(project))
        return [container for item in items if (container := self._look(item["Id"])) is not None]

    def start(self, container: Container) -> None:
        """Start it; nothing happens if it runs."""
        self._ask("POST", f"/containers/{container.id}/start")

    def stop(self, container: Container, within_s: int) -> None:
        """Stop it gracefully; kill it after `within_s`."""
        self._ask("POST", f"/containers/{container.id}/stop", timeout_s=within_s + TIMEOUT_S, t=str(within_s))

    def kill(self, container: Container) -> None:
        """Kill -9 whatever runs in it. It stays down: for the engine this was meant."""
        if container.state in ("running", "paused", "restarting"):
            self._ask("POST", f"/containers/{container.id}/kill")

    def pause(self, container: Container) -> None:
        """Freeze its processes."""
        if container.state == "running":
            self._ask("POST", f"/containers/{container.id}/pause")

    def unpause(self, container: Container) -> None:
        """Let its processes go on."""
        if container.state == "paused":
            self._ask("POST", f"/containers/{container.id}/unpause")

    def update(self, container: Container, **limits: Any) -> None:
        """Change limits while it runs, under the engine's names: CpusetCpus, NanoCpus, Memory."""
        self._ask("POST", f"/containers/{container.id}/update", body=limits)

    def remove(self, container: Container) -> None:
        """Remove it, running or not. Named volumes stay."""
        self._ask("DELETE", f"/containers/{container.id}", force="true", v="true")

    def remove_volumes(self, project: str, services: Collection[str]) -> None:
        """Remove the project's volumes that are called as these services are, with all data in them."""
        for volume in self._ask("GET", "/volumes", filters=_labelled(project))["Volumes"] or ():
            if volume["Labels"].get(VOLUME) in services:
                self._ask("DELETE", f"/volumes/{volume['Name']}")

    def remove_idle_networks(self, project: str) -> None:
        """Remove the project's networks that no container is in."""
        for network in self._ask("GET", "/networks", filters=_labelled(project)):
            if not self._ask("GET", f"/networks/{network['Id']}")["Containers"]:
                self._ask("DELETE", f"/networks/{network['Id']}")

    def usage(self, container: Container) -> Mapping[str, Any]:
        """Return the engine's own figures about a container. It may take a second."""
        stats: Mapping[str, Any] = self._ask("GET", f"/containers/{container.id}/stats", stream="false")
        return stats

    def has_image(self, name: str) -> bool:
        """Whether an image is on this machine."""
        return bool(self._ask("GET", "/images/json", filters=json.dumps({"reference": [name]})))

    def _look(self, identifier: str) -> Container | None:
        try:
            details = self._ask("GET", f"/containers/{identifier}/json")
        except NotRunning:
            raise
        except DeployError:  # it has been removed meanwhile
            return None
        labels, state = details["Config"]["Labels"], details["State"]
        return Container(
            id=identifier,
            name=details["Name"].removeprefix("/"),
            service=labels[SERVICE],
            replica=int(labels[NUMBER]) - 1,
            state=state["Status"],
            pid=state["Pid"],
            restarts=details["RestartCount"],
            exit_code=state["ExitCode"],
            addresses=frozenset(
                network["IPAddress"]
                for network in details["NetworkSettings"]["Networks"].values()
                if network["IPAddress"]
            ),
        )

    def _ask(self, method: str, path: str, *, body: object = None, timeout_s: float = TIMEOUT_S, **query: str) -> Any:
        connection = UnixConnection(self._socket(), timeout_s)
        try:
            content = json.dumps(body) if body is not None else None
            headers = {"Content-Type": "application/json"} if content else {}
            connection.request(method, f"{path}?{urlencode(query)}", content, headers)
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise NotRunning(f"The container engine does not answer: {error}. Does `docker info` work?") from error
        finally:
            connection.close()
        outcome = json.loads(text) if text else None
        if answer.status >= 400:
            raise DeployError(f"The container engine refuses: {outcome['message'] if outcome else answer.reason}")
        return outcome

    def _socket(self) -> str:
        if self._path is None:
            self._path = _socket_path()
        return self._path


def _socket_path() -> str:
    """Return the socket of the engine that the `docker` command would use."""
    address = os.environ.get("DOCKER_HOST") or docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    kind, _, path = address.strip().partition("://")
    if kind != "unix":
        raise Unsupported(f"The container engine is at {address.strip()}; only one on this machine can be steered.")
    return path


def docker(*arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float = 600.0) -> str:
    """Run the `docker` command and return what it wrote, errors among it. Raises DeployError, or MissingProgram."""
    return output_of(
        ["docker", *arguments], timeout_s, environment={**os.environ, **(environment or {})}, with_errors=True,
        missing="install a container engine with compose v2.",
    )  # fmt: skip


def _labelled(project: str) -> str:
    return json.dumps({"label": [f"{PROJECT}={project}"]})
