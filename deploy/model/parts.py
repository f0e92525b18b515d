"""What a part of a stack is, as data: nothing here starts, opens or reads anything."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deploy.model.errors import DeployError, UnknownTarget
from deploy.model.extraction import ExtractionState
from deploy.model.home import socket_path
from deploy.model.ports import MAX_REPLICAS, PORTS

Kind = Literal["app", "postgres", "nats", "envoy"]
VARIANT = "VARIANT"  # a setting of a part that its process never sees: which of its variants is run
WEB_ORDERS = "web-orders"  # the monolith's replicas that answer for orders and payments, where it has such a pool
SAMPLING = "TRACE_SAMPLING"  # a setting of whatever traces a part: which share of all traces is kept
PYTHON = ("python", "-m")
WITH_TRACING = (*PYTHON, "variants.tracing")


@dataclass(frozen=True)
class Probe:
    """How to tell that a part is ready: `http` wants `status` from `path`; `postgres` a server that takes log-ins."""

    kind: Literal["http", "postgres"]
    port: str
    path: str = "/readyz"
    status: int = 200


@dataclass(frozen=True)
class Part:
    """One part of a stack. `ports` are those of replica 0; `needs` are parts that must be ready before it starts.

    `variants`: commands that an experiment runs in place of `command`, by name (see variants/).
    """

    name: str
    kind: Kind
    command: tuple[str, ...]
    ports: Mapping[str, int]
    probe: Probe
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    scalable: bool = False
    database: str = ""  # a database server's only database, and the role that owns it
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    admin: str = ""  # the Unix socket by which an Envoy is asked and changed: no page in a browser can open one

    def command_with(self, settings: Mapping[str, str]) -> tuple[str, ...]:
        """Return what runs the part with these settings: VARIANT may name a variant, TRACE_SAMPLING wants it traced.

        What is not written in Python is not traced. Raises UnknownTarget.
        """
        command, variant = self.command, settings.get(VARIANT, "")
        if variant:
            if variant not in self.variants:
                names = ", ".join(self.variants) or "none"
                raise UnknownTarget(f"{self.name} has no variant '{variant}'; there are: {names}.")
            command = self.variants[variant]
        is_traced = bool(settings.get(SAMPLING)) and command[:2] == PYTHON
        return (*WITH_TRACING, *command[2:]) if is_traced else command

    def port(self, name: str, replica: int = 0) -> int:
        """Return the port called `name` of a replica."""
        return self.ports[name] + replica

    def instance(self, replica: int = 0) -> str:
        """Return the name of a replica: `payments.1`, or just `db` for a part that has only one."""
        return f"{self.name}.{replica}" if self.scalable else self.name


@dataclass(frozen=True)
class Reset:
    """A command that makes the data of one database fresh; `seeds` ones take `--products N`."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    seeds: bool


@dataclass(frozen=True)
class Stack:
    """The parts that are brought up together. `merchant` is its name at the payment provider, if it sells.

    `extracted`: the services that answer for themselves, in a stack whose other modules are one application.
    """

    name: str
    parts: tuple[Part, ...]
    merchant: str = ""
    mail_domain: str = ""
    resets: tuple[Reset, ...] = ()
    broker_url: str = ""
    extracted: tuple[str, ...] = ()

    def part(self, name: str) -> Part:
        """Return the part of this name. Raises UnknownTarget."""
        for part in self.parts:
            if part.name == name:
                return part
        names = ", ".join(part.name for part in self.parts)
        raise UnknownTarget(f"{self.name} has no part '{name}'; it has {names}.")

    def scalable_part(self, name: str, replicas: int) -> Part:
        """Return the part of this name if it can have so many replicas. Raises UnknownTarget, DeployError."""
        part = self.part(name)
        if not part.scalable:
            scalable = ", ".join(one.name for one in self.parts if one.scalable)
            raise UnknownTarget(f"{name} cannot be scaled; {scalable} can.")
        if not 1 <= replicas <= MAX_REPLICAS:
            raise DeployError(f"{name} can have 1 to {MAX_REPLICAS} replicas; `hold` stops a part.")
        return part

    def target(self, name: str) -> tuple[Part, int | None]:
        """Split `payments.1` into (part, 1), and `payments` into (part, None): all replicas. Raises UnknownTarget."""
        base, dot, number = name.removeprefix(f"{self.name}/").partition(".")
        part = self.part(base)
        if not dot:
            return part, None
        if not number.isdigit() or not part.scalable:
            raise UnknownTarget(f"'{name}' is no replica of {self.name}; replicas are called payments.0, payments.1.")
        return part, int(number)


@dataclass(frozen=True)
class Secrets:
    """Every secret of an installation, derived from one master secret that is generated at the first start."""

    master: bytes

    def of(self, purpose: str) -> str:
        """Return the secret for `purpose`, such as `database/orders`: 32 hex digits, always the same."""
        return hmac.new(self.master, purpose.encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True)
class Site:
    """Where a stack runs: how its parts reach each other, and where keys and data are. Compose has its own."""

    secrets: Secrets
    keys: str
    data: str
    shift: int = 0
    mode: str = "local"
    notifications_in_node: bool = False
    extras: tuple[str, ...] = ()  # what `twinshop up --with` adds: see extras.py
    extraction: ExtractionState = field(default_factory=ExtractionState)

    def host(self, stack: str, part: str) -> str:
        """Return the host on which other parts find this one."""
        return "127.0.0.1"

    def ports(self, stack: str, part: str) -> dict[str, int]:
        """Return the part's ports, by name."""
        return {name: port + self.shift for name, port in PORTS[stack][part].items()}

    def url(self, stack: str, part: str, port: str = "http") -> str:
        """Return the HTTP address of a part, without a trailing slash."""
        return f"http://{self.host(stack, part)}:{self.ports(stack, part)[port]}"

    def public_url(self, stack: str, part: str) -> str:
        """Return the address by which customers and their browsers know a part."""
        return self.url(stack, part)

    def admin_socket(self, stack: str) -> str:
        """Return the Unix socket by which the edge of a stack is administered."""
        return str(socket_path(f"{self.data}/{stack}", "edge"))

    def data_of(self, stack: str, part: str) -> str:
        """Return the folder in which a part keeps its data."""
        return f"{self.data}/{stack}/data/{part}"


def changed(settings: Mapping[str, str], by: Mapping[str, str | None]) -> dict[str, str]:
    """Return settings with some changed; None takes one away."""
    return {name: value for name, value in {**settings, **by}.items() if value is not None}
