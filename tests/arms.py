"""The stacks that the tests run against: started in a folder and on ports of their own, or up already."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.model.extraction import ORDER
from deploy.model.home import Home
from deploy.model.topology import SERVICES, SHOPS
from deploy.runner.interface import Runner
from deploy.stacks import runner_for
from migration.moves import Mover

__all__ = ["ARMS", "SERVICES", "STATES", "Arm", "OwnStacks", "Session", "already_running", "logs_of"]

ARMS = SHOPS
# The monolith with so many modules out: named on the command line, and only one of them, or it, at a time.
STATES = {f"monolith-{count}-out": count for count in range(1, len(ORDER) + 1)}
SERVICE_LOCATION = {"monolith": "web", "colocated": "app"}  # elsewhere each service is a part of its own


@dataclass(frozen=True)
class Arm:
    """One running stack, as its deployer knows it. Tests speak HTTP; what is here is for faults and books."""

    name: str
    runner: Runner

    @property
    def url(self) -> str:
        """The public address, without a trailing slash."""
        return self.runner.address

    def outside_url(self, part: str) -> str:
        """Return the address of provider, identity or mail."""
        return self.runner.site.url("outside", part)

    def part_of(self, service: str) -> str:
        """Return the part that does the work of a service: itself, or the application that holds it."""
        stack = self.runner.stack
        return service if service in stack.extracted else SERVICE_LOCATION.get(stack.name, service)

    def part_url(self, service: str) -> str:
        """Return the address of that part's own port, behind the edge."""
        return self.runner.site.url(self.runner.stack.name, self.part_of(service))

    def database_of(self, service: str) -> str:
        """Return the part that keeps the data of a service."""
        return "db" if self.part_of(service) == "web" else f"{service}-db"

    def database_url(self, service: str) -> str:
        """Return the URL of the database that holds the data of a service."""
        environment = self.runner.stack.part(self.part_of(service)).environment
        return environment.get(f"{service.upper()}_DATABASE_URL") or environment["DATABASE_URL"]

    @property
    def has_broker(self) -> bool:
        """Whether parts of this arm talk by messages."""
        return any(part.kind == "nats" for part in self.runner.stack.parts)

    @property
    def secret_of_webhooks(self) -> str:
        """The secret by which the provider signs."""
        return self.runner.site.secrets.of(f"webhook/{self.runner.stack.name}")


@dataclass
class Session:
    """The arms of a test session. `failures`: what is to be said about those that did not start."""

    running: dict[str, Arm]
    failures: dict[str, str]
    outside: Runner


class OwnStacks:
    """Stacks that belong to the test session: its own folder, its own ports, gone afterwards."""

    def __init__(self, shift: int) -> None:
        self._shift = shift
        self._root = Path(tempfile.mkdtemp(prefix="twinshop-tests-"))
        self._root.chmod(0o755)  # PostgreSQL runs as another user where we are root
        self._outside = self._runner("outside")
        self._arms: list[Runner] = []

    def start(self, names: Sequence[str]) -> Session:
        """Start the outside world, and then the arms, all at once. What does not start is among the failures."""
        if (why := _start(self._outside)) is not None:
            return Session({}, dict.fromkeys(names, f"The outside world did not start: {why}"), self._outside)
        self._arms = [self._runner(name) for name in names]
        session = Session({}, {}, self._outside)
        with ThreadPoolExecutor(len(ARMS)) as threads:
            started = threads.map(_start, self._arms, [STATES.get(name, 0) for name in names])
            for name, runner, failure in zip(names, self._arms, started, strict=True):
                if failure is None:
                    session.running[name] = Arm(name, runner)
                else:
                    session.failures[name] = failure
        return session

    def stop(self) -> None:
        """Stop all that was started, and remove the folder; its logs are printed by then."""
        with ThreadPoolExecutor(len(ARMS)) as threads:
            list(threads.map(lambda runner: runner.down(), self._arms))
        self._outside.down()
        shutil.rmtree(self._root, ignore_errors=True)

    def _runner(self, name: str) -> Runner:
        return runner_for("monolith" if name in STATES else name, home=Home(self._root), shift=self._shift)


def already_running(names: Iterable[str]) -> Session:
    """Return stacks that `make up` started in the folder that the environment names."""
    session = Session({}, {}, runner_for("outside"))
    for name in names:
        runner = runner_for(name)
        if runner.status().up:
            session.running[name] = Arm(name, runner)
        else:
            session.failures[name] = f"{name} is not up: `make up STACK={name}` first."
    return session


def _start(runner: Runner, moved_out: int = 0) -> str | None:
    try:
        runner.up(timeout_s=240)
        if moved_out:
            assert isinstance(runner, LocalRunner)
            mover = Mover(runner, stage_s=0.2)
            for module in ORDER[:moved_out]:
                mover.out(module)
    except DeployError as error:
        return str(error)
    return None


def logs_of(arm: Arm, lines: int = 15) -> Mapping[str, str]:
    """Return the end of the log of every application of an arm."""
    return {part.name: arm.runner.logs(part.name, lines) for part in arm.runner.stack.parts if part.kind == "app"}
