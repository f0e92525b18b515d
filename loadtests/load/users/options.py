"""Our options for Locust: on its command line, and as fields of its web page."""

from __future__ import annotations

import os
from typing import Any

from deploy.model.ports import PORTS
from loadtests.load.generator.plan import DEFAULT_CUSTOMERS, DEFAULT_MAX_IN_FLIGHT
from loadtests.load.generator.profile import ARRIVALS
from loadtests.load.users.traffic import DEFAULT_MIX, MIXES

SHOPS = ("monolith", "microservices", "colocated")


def shop_address(shop: str) -> str:
    """Return the local address of a stack's edge."""
    return _local(PORTS[shop]["edge"]["http"])


def identity_address() -> str:
    """Return the local address of the identity provider."""
    return _local(PORTS["outside"]["identity"]["http"])


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port + int(os.environ.get('TWINSHOP_PORT_SHIFT', '0'))}"


def add_options(parser: Any) -> None:
    """Add them to Locust's parser. An empty text means 'not given': the web page knows no other."""
    add = parser.add_argument  # not of a group: Locust shows only these in its web page
    add("--shop", choices=["", *SHOPS], default="", help="a local stack, instead of the host")
    add("--tokens-from", default=identity_address(), help="the identity provider's address")
    add("--customers", type=int, default=DEFAULT_CUSTOMERS, help="how many customers there are")
    add("--seed", type=int, default=1, help="the same seed sends the same requests")
    add("--think", type=float, default=2.0, help="closed loop: mean seconds between requests of a user")
    add("--mix", choices=sorted(MIXES), default=DEFAULT_MIX, help="OpenArrivals: share of each journey")
    add("--arrival-rate", type=float, default=50.0, help="OpenArrivals: arrivals/s, of all workers together")
    add("--arrival-profile", default="", help="OpenArrivals: instead, such as 50x20,500x5,50x20 or trace:FILE")
    add("--arrivals", choices=ARRIVALS, default="poisson", help="OpenArrivals: how they are spaced")
    add("--max-in-flight", type=int, default=DEFAULT_MAX_IN_FLIGHT, help="OpenArrivals: most open requests")
    add("--arrival-summary", default="", help="OpenArrivals: write the figures to this file (JSON)")
