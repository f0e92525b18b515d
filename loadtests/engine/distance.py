"""Distance between the parts of a shop: what a network adds to each hop, which loopback hides.

A distance of d ms is d on the way there and d on the way back, so that a round trip takes 2 d longer. Between services
it is made by their Envoy, which every call passes anyway: it holds a call back for 2 d. To the databases it is made by
the TCP proxy (deploy/faults/proxy.py), which holds back whatever passes by d. That proxy takes time of its own, so it
is in the way of all arms at 0 ms, too, and runs on the cores of the load. The broker stays where it is: nobody who
orders waits for it.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping

import httpx
import psycopg

from deploy.envoy import faults as links
from deploy.faults import connections
from deploy.faults.connections import Connection
from deploy.faults.proxy import Trouble
from deploy.model.topology import INNER
from deploy.runner.interface import Runner
from loadtests.engine.arm import Arm
from loadtests.engine.budgets import this_thread_on
from loadtests.engine.factor import Factor

ROUND_TRIPS = 30
NO_ROUTE = "/internal/distance"  # the service itself answers that there is no such route
ANSWER_WITHIN_S = 5.0


def lead_databases(arm: Arm) -> None:
    """Lead all connections to databases through the proxy, until the stack ends."""
    with this_thread_on(arm.budget.other):  # the proxy, which is started here, takes after it
        connections.redirect(arm.runner, _to_databases(arm.runner))


@contextlib.contextmanager
def databases_away(arm: Arm, ms: float) -> Iterator[None]:
    """Have the databases so far away: of an arm whose connections are led."""
    connections.set_trouble(arm.runner, _to_databases(arm.runner), Trouble(latency_ms=ms))
    yield


@contextlib.contextmanager
def services_away(arm: Arm, ms: float) -> Iterator[None]:
    """Have the services so far from each other."""
    for service in INNER:
        hop = links.delay(links.SERVICES, service, round(2 * ms)) if ms else links.healthy(links.SERVICES, service)
        arm.runner.set_runtime(hop)
    yield


def to_databases_ms(arm: Arm) -> Mapping[str, float]:
    """Return the median round trip of `SELECT 1`, in ms: straight, and as the applications have it now."""
    one = _to_databases(arm.runner)[0]
    return {"straight_ms": _select_ms(one.address), "now_ms": _select_ms(_as_led(arm.runner, one))}


def between_services_ms(arm: Arm) -> Mapping[str, float]:
    """Return the median round trip of a call without a body, in ms: straight to the service, and as orders calls it."""
    site, name = arm.runner.site, arm.runner.stack.name
    straight, now = site.url(name, "payments"), site.url(name, "edge", "payments")
    return {"straight_ms": _call_ms(straight), "now_ms": _call_ms(now)}


def factors(values_ms: tuple[float, ...], quick: tuple[float, ...]) -> tuple[Factor, Factor]:
    """Return the distance to the databases of all arms, and that between services; `prepare` is `lead_databases`."""
    return (
        Factor("db_ms", values_ms, databases_away, quick, measured=to_databases_ms),
        Factor("hop_ms", values_ms, services_away, quick, ("microservices",), between_services_ms),
    )


def _to_databases(runner: Runner) -> list[Connection]:
    return [one for one in connections.of(runner) if one.kind == "sql"]


def _as_led(runner: Runner, one: Connection) -> str:
    return runner.status().environment.get(one.part, {}).get(one.setting, one.address)


def _select_ms(address: str) -> float:
    with psycopg.connect(address, autocommit=True) as connection:
        return _median_ms(lambda: connection.execute("SELECT 1"))


def _call_ms(address: str) -> float:
    with httpx.Client(base_url=address, timeout=ANSWER_WITHIN_S, trust_env=False) as client:
        return _median_ms(lambda: client.get(NO_ROUTE))


def _median_ms(round_trip: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        round_trip()
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 3)
