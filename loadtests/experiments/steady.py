"""A verdict at a steady rate: several fresh starts, and builds that must first be shown to equal restarted twins.

Question: Which build costs less CPU per order, list and product page, and in which does a customer wait less for each?

Hypothesis: The monolith costs less and answers sooner: a call between processes is dearer than a function call, and an
order passes several of them.

Load: In each session first CPU: one kind of request alone, evenly spaced, in pulses of 1 s that go to the arms in
turns, on live, warm data, each build at 70 % of what it took itself in a short ramp. That is about cost, so the builds
are equally busy and not equally asked: a core that mostly sleeps takes more time for the same work, and not always the
same. Then latency: open arrivals (Poisson) on fresh data, for all at 40 % of what the slower build took; orders are
measured in the mix `ordering`, lists, searches and product pages in `browsing`.

What is held equal: Cores, products, seeds; for latency the rate, and so the very requests. Every session starts both
builds and a twin of each afresh, in random order, on new data files, and warms all four alike; the order of the pulses
and runs is random. Sessions and pairs were fixed beforehand, from the scatter of an earlier run, so that a difference
of 10 % in CPU is found with a chance of 80 % (`--set sessions=6`, `--set pairs=4`).

How to read it: Each interval is over sessions: it says what another start of the same builds would show. Only where
both builds are shown equivalent to their twins within the stated tolerance (5 % for CPU, 10 and 25 % for p50 and p99)
is a winner named in that figure; p-values are corrected for looking at several figures (Holm). A p99 that fewer than
five requests lie beyond is not compared. `--set figures=cpu` leaves the latencies out, `--set figures=aa` the services,
too: whether such a comparison can be had on a machine.
"""

from __future__ import annotations

from loadtests.engine.declaration import Declaration
from loadtests.engine.loads import Cost, Waits
from loadtests.measure.replication import Spread

EXPERIMENT = Declaration(
    costs=(
        Cost("order", "orders-only", "CPU per confirmed order"),
        Cost("list", "lists-only", "CPU per list of 20"),
        Cost("product", "products-only", "CPU per product page"),
    ),
    waits=(Waits("ordering", ("order",), duration_s=25.0), Waits("browsing", ("list", "search", "product"))),
    noise=Spread(between=0.04, within=0.08),  # of CPU per order, on two busy cores
    claims={"C3": ("cpu_order_services_vs_monolith", "latency_order_p50_services_vs_monolith")},
    caveat="That is of all differences between the builds: `make bench` takes the network apart from them.",
)
