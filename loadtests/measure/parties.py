"""Where the parties of a stack are found: its databases, its public address, the outside world."""

from __future__ import annotations

import os
from dataclasses import dataclass

from deploy import keys, topology
from deploy.home import Home
from deploy.parts import Part, Site, Stack


@dataclass(frozen=True)
class Parties:
    """Addresses of everybody who knows something about a stack's orders. URLs carry no trailing slash."""

    stack: Stack
    shop: str
    databases: tuple[str, ...]
    provider: str
    identity: str
    mail: str
    broker_monitor: str | None

    @classmethod
    def of(cls, stack_name: str) -> Parties:
        """Return the parties of a stack that runs as local processes. Raises UnknownTarget."""
        site = local_site()
        stack = topology.stack(stack_name, site)
        has_broker = any(part.name == "broker" for part in stack.parts)
        return cls(
            stack=stack,
            shop=site.url(stack_name, "edge"),
            databases=tuple(sorted({url for part in stack.parts for url in _database_urls(part)})),
            provider=site.url("outside", "provider"),
            identity=site.url("outside", "identity"),
            mail=site.url("outside", "mail"),
            broker_monitor=site.url(stack_name, "broker", "monitor") if has_broker else None,
        )


def local_site() -> Site:
    """Return the site of local processes, as the environment shifts it."""
    home = Home.from_environment()
    shift = int(os.environ.get("TWINSHOP_PORT_SHIFT", "0"))
    return Site(secrets=keys.load(home.keys), keys=str(home.keys), data=str(home.root), shift=shift)


def _database_urls(part: Part) -> list[str]:
    return [value for name, value in part.environment.items() if name.endswith("DATABASE_URL")]
