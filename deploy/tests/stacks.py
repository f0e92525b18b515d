"""Stacks of the tests: the real topologies, with the stand-in where an application would be."""

from __future__ import annotations

from dataclasses import replace

from deploy.model import topology
from deploy.model.parts import Site, Stack

HERE = "deploy.tests.stacks:stack"
STAND_IN = ("python", "-m", "deploy.tests.stand_in")


def stack(name: str, site: Site) -> Stack:
    """Return a real stack whose applications are stand-ins."""
    real = topology.stack(name, site)
    parts = tuple(replace(part, command=STAND_IN) if part.kind == "app" else part for part in real.parts)
    return replace(real, parts=parts, resets=())
