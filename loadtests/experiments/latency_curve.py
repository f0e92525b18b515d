"""Latency against load: what the network between services adds, next to each other and at a distance.

Question: How long does a customer wait at which load, in the monolith, in the services, and in the same services in one
process? What becomes of that where services are 1 or 5 ms from each other, or the databases from either build?

Hypothesis: On loopback the network between services adds some milliseconds to an order and nothing to a list, which
passes no second service. With distance it adds 2 ms for each ms and call; but databases that far away cost all builds
more than that, for an order asks them more often than services ask each other.

Load: Open arrivals (Poisson) of the mix `ordering`, for all arms at the same rates: 25, 50 and 75 % of what the slowest
took in a short ramp. Distances are 0, 1 and 5 ms, between services (their Envoy holds each call back) and to the
databases of every arm (a TCP proxy, which is in the way at 0 ms, too, on the cores of the load). A distance of 1 ms is
1 ms there and 1 ms back.

What is held equal: Cores, products, seeds, rates, and so the very requests. Each session starts all arms and a twin of
each afresh. Runs are on live, warm data, in random order; the arms of a point and a rate follow each other.

How to read it: Each point is of all sessions together; a percentile that fewer than five requests lie beyond is left
out. Ratios are at 50 % of the load, over sessions, and stand where both arms equal their restarted twins. What a
distance came to, as the round trip of a small request straight and as the applications have it, is in the table of
factors. The claim is about services against the same services in one process: against the network alone. The proxy
takes a part of a millisecond for each question to a database, in all arms alike: absolute waits are shorter without it.
"""

from __future__ import annotations

from loadtests.engine import distance
from loadtests.engine.arm import ArmSpec
from loadtests.engine.declaration import Declaration
from loadtests.engine.loads import Waits
from loadtests.measure.replication import Design, Spread

EXPERIMENT = Declaration(
    arms=(
        ArmSpec("colocated", "colocated"),
        ArmSpec("monolith", "monolith"),
        ArmSpec("microservices", "microservices"),
    ),
    against=(("colocated", "microservices"), ("monolith", "microservices")),
    waits=(
        Waits(
            "ordering",
            ("order", "list", "product"),
            duration_s=5.0,
            warm_up_s=0.7,
            share=0.5,
            curve=(0.25, 0.75),
            is_fresh=False,
            quick_rate=30.0,
        ),
    ),
    factors=distance.factors((0.0, 1.0, 5.0), quick=(0.0, 5.0)),
    prepare=distance.lead_databases,
    noise=Spread(between=0.05, within=0.10),  # of the p50 of an order, on two busy cores
    claims={"C3": ("latency_order_p50_services_vs_colocated",)},
    caveat="That is latency; what it costs in CPU is of `bench` and `overhead-ladder`.",
    headlines=(
        "latency_order_p50_services_vs_colocated",
        "latency_order_p50_services_vs_monolith",
        "latency_order_p50_hop_ms_5_services_vs_colocated",
        "latency_order_p50_db_ms_5_services_vs_monolith",
    ),
    detects=1.5,
    most_minutes=13.0,  # a quarter of an hour with the proof and the ramps before it
    quick=Design(sessions=1, pairs=1, detects=float("nan")),
)
