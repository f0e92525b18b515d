"""The TCP connections that the applications of a stack open, and how they are redirected through a proxy on demand.

Settings redirect a part: for as long as there is a fault, the address of what it connects to is the proxy's. For
that its replicas are started again, one after the other, unless they are redirected already. So no build knows of a
proxy, and none is in the way of a stack without such a fault. Requests between services go through Envoy, which has
faults of its own (deploy/envoy/faults.py).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.faults import proxy
from deploy.faults.proxy import CONFIG, IN_FORCE, NONE, Trouble
from deploy.faults.vocabulary import NoSuchFault, part_of
from deploy.model.errors import DeployError
from deploy.model.home import write_atomically
from deploy.model.parts import Part, Stack
from deploy.model.ports import PROXY_LISTENERS
from deploy.runner.interface import LOOK_EVERY_S, Runner

IN_FORCE_WITHIN_S = 10.0
# What a part connects to, by the end of the setting that says where; before it stands a module, if the part is several.
KINDS = {"DATABASE_URL": "sql", "NATS_URL": "nats", "PROVIDER_URL": "provider", "JWKS_URL": "identity",
         "SMTP_HOST": "smtp"}  # fmt: skip


@dataclass(frozen=True)
class Connection:
    """Where one part connects to: `setting` says so. `owner` is the part, or one of the modules in it."""

    part: str
    owner: str
    kind: str
    setting: str
    address: str  # a URL, or host:port

    @property
    def name(self) -> str:
        """How a person names it."""
        return f"{self.owner}:{self.kind}"

    @property
    def to(self) -> tuple[str, int]:
        """Return host and port."""
        split = urlsplit(self.address if "://" in self.address else f"//{self.address}")
        return split.hostname or "", split.port or 80

    def settings(self, host: str, port: int) -> dict[str, str]:
        """Return the settings by which the part connects to another address."""
        if self.kind == "smtp":
            return {"SMTP_HOST": host, "SMTP_PORT": str(port)}
        split = urlsplit(self.address)
        user, at, _ = split.netloc.rpartition("@")
        return {self.setting: split._replace(netloc=f"{user}{at}{host}:{port}").geturl()}


def of(runner: Runner) -> list[Connection]:
    """Return all connections of a stack, in the order of its parts."""
    return opened_by(runner.inside.parts)


def opened_by(parts: Iterable[Part]) -> list[Connection]:
    """Return all connections of these parts."""
    return [one for part in parts if part.kind == "app" for one in _of(part.name, part.environment)]


def select(runner: Runner, target: str) -> list[Connection]:
    """Return the connections that `payments:sql` means, of a part or a module; without a kind, all of them.

    Raises NoSuchFault, UnknownTarget.
    """
    return select_from(target, runner.stack, of(runner))


def select_from(target: str, stack: Stack, every: Sequence[Connection]) -> list[Connection]:
    """Return which of a stack's connections are meant, as `select` does."""
    owner, _, kind = target.partition(":")
    for name in (owner, part_of(stack, owner).name):  # what a module has for itself, else what its part has
        if connections := [one for one in every if name in (one.owner, one.part) and kind in ("", one.kind)]:
            return connections
    names = ", ".join(one.name for one in every)
    raise NoSuchFault(f"{stack.name} has no connection '{target}'; there are {names}.")


def redirect(runner: Runner, connections: Sequence[Connection]) -> list[Connection]:
    """Redirect connections through the proxy; return those that were not before. Raises DeployError; then none is."""
    ports = _proxy_ports(runner)
    fresh = [one for one in connections if one not in ports]
    if fresh:
        place, is_idle = runner.proxy, not ports
        every = range(place.first_port, place.first_port + PROXY_LISTENERS)
        fresh_ports = dict(zip(fresh, (port for port in every if port not in ports.values()), strict=False))
        if len(fresh_ports) < len(fresh):
            raise DeployError(f"Only {PROXY_LISTENERS} connections of {runner.stack.name} can be struck at once.")
        _write_config(runner, ports | fresh_ports, {}, starts=is_idle)
        try:
            for part in _parts(fresh):
                settings: dict[str, str | None] = {}
                for one in fresh:
                    settings |= one.settings(place.host, fresh_ports[one]) if one.part == part else {}
                runner.configure(part, settings)
        except DeployError:
            restore(runner, fresh)
            raise
    return fresh


def set_trouble(runner: Runner, connections: Iterable[Connection], what: Trouble) -> None:
    """Let redirected connections have a trouble, or with NONE no more. Returns when they have. Raises DeployError."""
    ports = _proxy_ports(runner)
    _write_config(runner, ports, {ports[one]: what for one in connections if one in ports})


def restore(runner: Runner, connections: Sequence[Connection]) -> None:
    """Redirect connections no more; the proxy ends if it was for these only. Raises DeployError."""
    ports = _proxy_ports(runner)
    proxied = [one for one in connections if one in ports]
    for part in _parts(proxied):
        names = (name for one in proxied if one.part == part for name in one.settings("", 0))
        runner.configure(part, dict.fromkeys(names))
    if connections:
        _write_config(runner, _proxy_ports(runner), {})


def restore_all(runner: Runner) -> list[Connection]:
    """Redirect no connection any more; return those that were. Raises DeployError."""
    connections = list(_proxy_ports(runner))
    restore(runner, connections)
    if (runner.proxy.folder / CONFIG).exists():  # whoever started the proxy came no further
        _write_config(runner, {}, {})
    return connections


@contextlib.contextmanager
def redirected(runner: Runner, targets: Iterable[str]) -> Iterator[None]:
    """Redirect connections for the length of a block, so that faults on them start and end without a restart."""
    fresh = redirect(runner, [one for target in targets for one in select(runner, target)])
    try:
        yield
    finally:
        restore(runner, fresh)


def _of(part: str, environment: Mapping[str, str]) -> Iterator[Connection]:
    for setting, value in environment.items():
        for ending, kind in KINDS.items():
            if setting.endswith(ending):
                owner = setting.removesuffix(ending).rstrip("_").lower() or part
                address = f"{value}:{environment.get('SMTP_PORT', 25)}" if kind == "smtp" else value
                yield Connection(part, owner, kind, setting, address)


def _proxy_ports(runner: Runner) -> dict[Connection, int]:
    """Return the port of each connection that is redirected: its part's settings say so."""
    settings, ports = runner.status().environment, {}
    for connection in of(runner):
        for now in _of(connection.part, settings.get(connection.part, {})):
            host, port = now.to
            first = runner.proxy.first_port
            if now.setting == connection.setting and host == runner.proxy.host and 0 <= port - first < PROXY_LISTENERS:
                ports[connection] = port
    return ports


def _parts(connections: Iterable[Connection]) -> list[str]:
    return list(dict.fromkeys(one.part for one in connections))


def _write_config(
    runner: Runner, ports: Mapping[Connection, int], changes: Mapping[int, Trouble], *, starts: bool = False
) -> None:
    """Have the proxy listen for these; what is not changed has the trouble that it had. Raises DeployError."""
    folder = runner.proxy.folder
    path, in_force = folder / CONFIG, folder / IN_FORCE
    before: dict[str, Any] = {}
    if not starts:
        with contextlib.suppress(OSError, ValueError):
            before = json.loads(path.read_text("utf-8"))
    had = {port: Trouble(**before[str(port)]["trouble"]) for port in ports.values() if str(port) in before}
    troubles = {**had, **changes}
    config = {str(port): {"to": one.to, "trouble": asdict(troubles.get(port, NONE))} for one, port in ports.items()}
    text = json.dumps(config) if config else ""
    if text:
        write_atomically(path, text, mode=0o644)
    else:
        path.unlink(missing_ok=True)
    if starts:
        runner.start_proxy(Path(proxy.__file__))
    give_up_at = time.monotonic() + IN_FORCE_WITHIN_S
    while (in_force.read_text("utf-8") if in_force.exists() else "") != text:
        if time.monotonic() > give_up_at:
            if not config:  # it was killed, and nobody needs it
                return in_force.unlink()
            raise DeployError(f"The proxy of {runner.stack.name} does not do what it is told; `twinshop heal` ends it.")
        time.sleep(LOOK_EVERY_S)
