"""The faults there are, as data: what each does, to which parts, and with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deploy.model.errors import DeployError
from deploy.model.parts import Part, Stack

# What a fault strikes: a part by name, a module wherever it runs, the broker, a way between two parts, or the
# outside world as this shop sees it; or the TCP connections that a part has opened (connections.py): all of `payments`,
# or one kind of them, as `payments:sql`.
Where = Literal["part", "module", "broker", "link", "outside", "connection"]

MODULES = ("catalog", "orders", "payments", "notifications")
WHOLE_SHOP = {"monolith": "web", "colocated": "app"}


class NoSuchFault(DeployError):
    """A name that is no fault, or a fault that this stack cannot have."""


@dataclass(frozen=True)
class Fault:
    """`way` names the code that does it (injectors.py); `parameters` are defaults, `settings` what is fixed."""

    name: str
    what: str
    where: Where
    injector: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


_EVERY = (
    Fault("crash", "kill -9 once; the part is started again by its supervisor", "part", "crash"),
    Fault("kill", "kill -9, and down until healed", "part", "hold", settings={"kill": True}),
    Fault("stop", "stopped in good order (a database, a part), and down until healed", "part", "hold"),
    Fault("pause", "frozen: connections stay open and nothing answers", "part", "pause"),
    Fault("restart", "stopped in good order and started again", "part", "restart"),
    Fault("disk-full", "a database takes no more rows: INSERT and UPDATE fail as on a full disk (53100), reads go on; "
          "no disk is filled", "part", "full_disk"),
    Fault("read-only", "a database takes no writes, as a standby does in a failover (25006); reads go on", "part",
          "read_only"),
    Fault("broker-away", "the broker is killed, and down until healed", "broker", "hold", settings={"kill": True}),
    Fault("cut", "requests to the part are refused on the way", "link", "cut"),
    Fault("delay", "requests to the part are held back on the way", "link", "delay", {"ms": 500}),
    Fault("drop", "a share of the requests to the part never arrives", "link", "drop", {"percent": 100}),
    Fault("tcp-latency", "whatever goes over the part's connections takes longer, each way", "connection", "connection",
          {"ms": 200, "first": 0}),
    Fault("tcp-bandwidth", "the part's connections are narrow", "connection", "connection", {"kb_s": 16, "first": 0}),
    Fault("tcp-reset", "the part's connections are reset, and so is each new one", "connection", "connection",
          {"first": 0}),
    Fault("tcp-half-open", "packets on the part's connections vanish and nobody is told: dropped by a socket filter on "
          "Linux; taken by a proxy that stalls elsewhere", "connection", "connection", {"first": 0}),
    Fault("tcp-limited", "the part's connections are closed after so many bytes of answers", "connection", "connection",
          {"bytes": 2000, "first": 0}),
    Fault("provider-slow", "the payment provider takes its time", "outside", "provider", {"ms": 1000}),
    Fault("provider-failing", "a share of the provider's answers is 500", "outside", "provider", {"percent": 100}),
    Fault("provider-hanging", "the provider accepts calls and never answers", "outside", "provider"),
    Fault("provider-times-out", "the provider takes the money and does not answer", "outside", "provider",
          {"percent": 100}),
    Fault("provider-webhooks", "webhooks about everything, late, several times, out of order", "outside", "provider",
          {"copies": 3, "ms": 500}),
    Fault("mail-slow", "the mail server takes its time over each mail", "outside", "mail", {"ms": 2000}),
    Fault("identity-away", "the identity provider's keys cannot be had: requests for them hang", "outside", "identity"),
    Fault("cpu-hog", "each request that enters the module burns CPU", "module", "injected_fault", {"ms": 300}),
    Fault("memory-leak", "each request that enters the module leaks; above the limit the process is killed", "module",
          "injected_fault", {"mb": 10, "limit_mb": 400}),
    Fault("clock-off", "the clock of the part's process is wrong", "part", "clock", {"s": 3600}),
    Fault("poison-request", "a search that kills the process it reaches, sent again and again", "module", "poison",
          {"every_s": 1}),
    Fault("poison-message", "an event that nobody can decode is published", "broker", "poison_message", {"count": 1}),
)  # fmt: skip
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _EVERY}


def find(name: str) -> Fault:
    """Return the fault of this name. Raises NoSuchFault."""
    if name not in FAULTS:
        raise NoSuchFault(f"There is no fault '{name}'; there are {', '.join(FAULTS)}.")
    return FAULTS[name]


def part_of(stack: Stack, name: str) -> Part:
    """Return the part that a part's or a module's name means: the whole application where modules share a process.

    `payments-db` means the database that payments uses. Raises UnknownTarget.
    """
    base, dot, replica = name.partition(".")
    is_inside = base.removesuffix("-db") not in stack.extracted
    if stack.name in WHOLE_SHOP and base in MODULES and is_inside:
        return stack.part(WHOLE_SHOP[stack.name])
    if stack.name == "monolith" and base.removesuffix("-db") in MODULES and is_inside:
        return stack.part("db")
    return stack.target(f"{base}{dot}{replica}")[0]


def target_of(stack: Stack, name: str) -> str:
    """Return the target for the runner: `payments` in the services, `web` in the monolith, a replica as it is."""
    part = part_of(stack, name)
    return name if name.partition(".")[0] == part.name else part.name
