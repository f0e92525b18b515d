"""Our options for Locust: on its command line, and as fields of its web page."""

from __future__ import annotations

import os
from typing import Any

from deploy.model.ports import PORTS
from loadtests.load.generator.plan import DEFAULT_CUSTOMERS, DEFAULT_MAX_IN_FLIGHT
from loadtests.load.generator.profile import ARRIVALS
from loadtests.load.users.traffic import DEFAULT_MIX, MIX_HELP, mix_name
from loadtests.load.users.world import TOKENS_FROM

SHOPS = ("monolith", "microservices", "colocated")


def shop_address(shop: str) -> str:
    """Return the local address of a stack's edge."""
    return _local(PORTS[shop]["edge"]["http"])


def identity_address() -> str:
    """Return the local address of the identity provider."""
    return _local(PORTS["outside"]["identity"]["http"])


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port + int(os.environ.get('TWINSHOP_PORT_SHIFT', '0'))}"


def add_shop_options(parser: Any) -> None:
    """Add those of the shop's users. An empty text means 'not given': the web page knows no other."""
    add = parser.add_argument  # not of a group: Locust shows only these in its web page
    add("--shop", choices=["", *SHOPS], default="", help="a local stack, instead of the host")
    add("--tokens-from", default=identity_address(), help=TOKENS_FROM)
    add("--customers", type=int, default=DEFAULT_CUSTOMERS, help="how many customers there are")
    add("--think", type=float, default=2.0, help="closed loop: mean seconds between requests of a user")
    add("--mix", type=mix_name, default=DEFAULT_MIX, help=f"OpenArrivals: {MIX_HELP}")


def add_arrival_options(parser: Any) -> None:
    """Add those of open arrivals, whoever's tasks they are."""
    add = parser.add_argument
    add("--seed", type=int, default=1, help="the same seed sends the same requests")
    add("--arrival-rate", type=float, default=50.0, help="open arrivals: arrivals/s, of all workers together")
    add("--arrival-profile", default="", help="open arrivals: instead, such as 50x20,500x5,50x20 or trace:FILE")
    add("--arrivals", choices=ARRIVALS, default="poisson", help="open arrivals: how they are spaced")
    add("--max-in-flight", type=int, default=DEFAULT_MAX_IN_FLIGHT, help="open arrivals: most open requests")
    add(
        "--fail-if", action="append", default=[], include_in_web_ui=False,
        help="end with status 3 if this is so, such as 'p99(order)>250ms' or 'errors>0.1%%'; may be said again",
    )  # fmt: skip
    add("--arrival-summary", default="", help="open arrivals: write the figures to this file (JSON)")
