"""The databases of the microservices without the services: what tests beside a service work with."""

from __future__ import annotations

from dataclasses import replace

from deploy.model import topology
from deploy.model.parts import Site, Stack

HERE = "tests.backing:stack"


def stack(name: str, site: Site) -> Stack:
    """Return the stack with its PostgreSQL servers only."""
    real = topology.stack(name, site)
    return replace(real, parts=tuple(part for part in real.parts if part.kind == "postgres"), resets=())
