"""The databases of the microservices without the services: what tests beside a service work with."""

from __future__ import annotations

import os
from dataclasses import replace

from deploy.model import topology
from deploy.model.parts import Site, Stack

HERE = "tests.backing:stack"
SHIFT = int(os.environ.get("TWINSHOP_TEST_PORT_SHIFT") or 8000) + 1500  # beside the stacks of the journeys


def stack(name: str, site: Site) -> Stack:
    """Return the stack with its PostgreSQL servers only."""
    real = topology.stack(name, site)
    return replace(real, parts=tuple(part for part in real.parts if part.kind == "postgres"), resets=())
