"""One stack of docker-compose.yml, with what `twinshop` adds to it: settings, cores, and a way in."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.compose import secrets
from deploy.compose.engine import docker
from deploy.compose.site import PORTS as INSIDE
from deploy.compose.site import service_name
from deploy.model.home import REPOSITORY, Home, write_atomically, writing
from deploy.model.parts import VARIANT, Part, Secrets, Site, changed
from deploy.model.ports import MAX_REPLICAS, PORTS
from deploy.model.topology import stack as stack_of

COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
RELAY = "deploy/faults/proxy.py"
NETWORKS = {
    "monolith": ("monolith", "monolith-outside", "monolith-data"),
    "microservices": (
        "services", "services-outside", "services-events",
        "catalog-data", "orders-data", "payments-data", "notifications-data",
    ),
}  # fmt: skip
PORT_VARIABLES = {  # of docker-compose.yml
    "MONOLITH_PORT": ("monolith", "edge"),
    "MICROSERVICES_PORT": ("microservices", "edge"),
    "PROVIDER_PORT": ("outside", "provider"),
    "IDENTITY_PORT": ("outside", "identity"),
    "MAIL_PORT": ("outside", "mail"),
}
MAILPIT_PORT = 8025


@dataclass
class ProjectState:
    """What is known of a stack beyond its containers. `restarts` are those that the engine does not count: ours."""

    shift: int
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    cores: list[int] | None = None
    held: list[str] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)


class Project:
    """Runs `docker compose` for one stack, and remembers what it was told."""

    def __init__(self, stack: str, home: Home, shift: int | None, default_shift: int = 0) -> None:
        self._home = home
        self._folder = home.root / "compose"
        self._path = self._folder / f"{stack}.json"
        state = self._read()
        # A running stack stays where it was started, whatever the environment says now.
        self.state = state or ProjectState(shift=default_shift)
        if shift is not None:
            self.state.shift = shift
        self.name = f"twinshop-{self.state.shift}" if self.state.shift else "twinshop"
        self._stack = stack_of(stack, Site(Secrets(b""), keys="", data=""))

    @property
    def is_remembered(self) -> bool:
        """Whether something was saved, and not forgotten since."""
        return self._path.exists()

    @property
    def exchange(self) -> Path:
        """The folder that the stack's applications see under the same path: for faults, and for traces of tests."""
        return self._folder / self._stack.name

    @property
    def relay(self) -> str:
        """The service that is the way in: its name ends as no part's does."""
        return "outside-edge" if self._stack.name == "outside" else f"{self._stack.name}-relay"

    def service(self, part: str) -> str:
        """Return a part's name in docker-compose.yml."""
        return service_name(self._stack.name, part)

    def services(self) -> list[str]:
        """Return the names of all parts, and of the way in."""
        return [*(self.service(part.name) for part in self._stack.parts), self.relay]

    def count_restart(self, container: str) -> None:
        """Remember that we have started a container again. Not saved yet."""
        self.state.restarts[container] = self.state.restarts.get(container, 0) + 1

    def save(self) -> None:
        """Write down what is remembered, and what `docker compose` is told. Raises FolderTrouble."""
        with writing(self._folder):
            self.exchange.mkdir(parents=True, exist_ok=True)
            self.exchange.chmod(0o777)  # applications run as nobody in particular
            write_atomically(self._path, json.dumps(asdict(self.state), indent=1), mode=0o600)
            write_atomically(self._overlay_path, json.dumps(self.overlay(), indent=1), mode=0o600)

    def forget(self) -> None:
        """Remember nothing but where the stack was."""
        self.state = ProjectState(shift=self.state.shift)
        self._path.unlink(missing_ok=True)
        self._overlay_path.unlink(missing_ok=True)

    def compose(self, *arguments: str) -> str:
        """Run `docker compose` with this stack's profile and files, and return what it said. Raises DeployError."""
        profile = () if self._stack.name == "outside" else ("--profile", self._stack.name)
        with self._one_at_a_time():
            return docker(
                *("compose", "--project-name", self.name, "--project-directory", str(REPOSITORY)),
                *("--file", str(COMPOSE_FILE), "--file", str(self._overlay_path), *profile, *arguments),
                environment=self.variables(),
            )

    def variables(self) -> dict[str, str]:
        """Return what docker-compose.yml takes from its environment."""
        ports = {name: PORTS[stack][part]["http"] for name, (stack, part) in PORT_VARIABLES.items()}
        ports["MAILPIT_PORT"] = MAILPIT_PORT
        return {
            "TWINSHOP_SECRETS": os.environ.get("TWINSHOP_SECRETS") or str(secrets.folder(self._home)),
            "TWINSHOP_MODE": "local",  # failpoints work
            **{name: str(port + self.state.shift) for name, port in ports.items()},
        }

    def overlay(self) -> dict[str, Any]:
        """Return what is laid over docker-compose.yml.

        Health is not asked for by the engine, which would do so inside the containers, at their cost: we ask
        over the way in. And no part has a CPU quota, which would stop it for the rest of each tenth of a second:
        the budget of a measurement is the cores that `pin` gives, and quotas are for experiments about quotas.
        """
        services: dict[str, Any] = {self.service(part.name): self._part(part) for part in self._stack.parts}
        networks: dict[str, Any] = {}
        if self._stack.name != "outside":
            services[self.relay] = self._relay()
            networks["relay"] = {}
        else:
            services[self.relay] = {"healthcheck": {"disable": True}}
        return {"services": services, "networks": networks}

    def _part(self, part: Part) -> dict[str, Any]:
        overlay: dict[str, Any] = {"healthcheck": {"disable": True}, "cpus": 0}
        if self.state.cores is not None:
            overlay["cpuset"] = ",".join(map(str, self.state.cores))
        if part.kind == "app":
            settings = self.state.environment.get("*", {}) | self.state.environment.get(part.name, {})
            if part.command_with(settings) != part.command:
                overlay |= self._variant(part, settings)
            overlay["environment"] = changed(settings, {VARIANT: None})
            overlay["volumes"] = [f"{self.exchange}:{self.exchange}"]
        return overlay

    def _variant(self, part: Part, settings: Mapping[str, str]) -> dict[str, Any]:
        """Return what runs a variant: its command, in an image that adds the variants to the part's own."""
        image = "monolith" if self._stack.name == "monolith" else part.name
        return {
            "command": list(part.command_with(settings)),
            "image": f"twinshop/{image}-variants:local",
            "build": {
                "context": str(REPOSITORY),
                "dockerfile": "variants/Dockerfile",
                "args": {"BASE": f"twinshop/{image}:local"},
            },
        }

    def _relay(self) -> dict[str, Any]:
        targets = dict(self._targets())
        return {
            "image": "python:3.13-slim-trixie",
            "profiles": [self._stack.name],
            "command": ["python", "/relay.py", str(self.exchange), json.dumps(targets)],
            "volumes": [f"./{RELAY}:/relay.py:ro", f"{self.exchange}:{self.exchange}"],
            "user": "10001:10001",
            "read_only": True,
            "cap_drop": ["ALL"],
            "restart": "unless-stopped",
            "networks": ["relay", *NETWORKS[self._stack.name]],
            "ports": [f"127.0.0.1:{int(port) + self.state.shift}:{port}" for port in targets],
        }

    def _targets(self) -> Iterator[tuple[str, tuple[str, int]]]:
        """Which port leads to which container. Replicas are told apart by the names that compose gives them."""
        for part in self._stack.parts:
            if part.kind == "envoy":
                continue
            for replica in range(MAX_REPLICAS if part.scalable else 1):
                host = f"{self.name}-{self.service(part.name)}-{replica + 1}"
                for name, port in PORTS[self._stack.name][part.name].items():
                    yield str(port + replica), (host, INSIDE[name])

    @property
    def _overlay_path(self) -> Path:
        return self._folder / f"{self._stack.name}.overlay.json"

    def _read(self) -> ProjectState | None:
        try:
            return ProjectState(**json.loads(self._path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Two stacks that start at the same time would make the networks that they share twice."""
        with (self._folder / "compose.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def cpuset(cores: Sequence[int] | None) -> str:
    """Return cores as the engine wants them; all of them for None."""
    return ",".join(map(str, cores if cores is not None else range(os.cpu_count() or 1)))
