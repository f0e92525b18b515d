"""CPU of one order and of one list: the database's floor, the monolith, the services, and the services in one process.

Question: How much CPU does one confirmed order, and one list of 20 products, cost above the SQL it cannot do without?

Hypothesis: A confirmed order costs the monolith at most 12 times the floor and a list at most 25 times; the services
need at most 3 times the monolith's CPU for an order and 1.5 times for a list. Colocated, the services are in between:
what is left of the difference is the framework and the split of the database, what is gone is the network.

Load: Alternating slices of 2 s over all arms, order and list apart, in rounds of random order (`--set rounds=5`: as
many as find a difference of 15 % with a chance of 80 %); the one before them warms up and is not counted. Each arm
works as fast as it can for the same number of clients (a closed loop: this is about cost, not about waiting). The floor
is pgbench with all the SQL that one confirmed order causes in the monolith: both transactions, the idempotency key, the
mail job.

What is held equal: The same cores for each arm, the same number of clients, the same products, the same machine within
the same minute. All arms are up and warm at once; an idle one takes under 2 % of a core, and nothing of it is counted
for another. CPU is that of all parts of an arm, until its mails and events are done. The floor is the CPU of the
PostgreSQL server alone.

How to read it: Ratios of CPU per unit of work, over rounds, each with its 95 % interval. The floor is no shop: it
checks no token, speaks no HTTP, charges nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadtests.engine.ablation import Ablation, Contrast, Variant, Work
from loadtests.engine.declaration import Conclusion
from loadtests.report.claims import verdict_of
from loadtests.report.result import Ratio, Run
from loadtests.report.words import sentence_of_list, times

SHORT = {"microservices": "services"}
# (b, a) -> {unit: target}: what the project promises about the ratio, where it promises something
PAIRS: dict[tuple[str, str], dict[str, float]] = {
    ("monolith", "floor"): {"order": 12, "list": 25},
    ("microservices", "monolith"): {"order": 3, "list": 1.5},
    ("colocated", "monolith"): {},
    ("microservices", "colocated"): {},
}


def conclude(_: Sequence[Run], figures: Mapping[str, Ratio]) -> Conclusion:
    """Return the answer in two sentences, and what it says of C3: the services against themselves in one process."""
    needed = ("cpu_order_monolith_vs_floor", "cpu_order_services_vs_monolith", "cpu_order_services_vs_colocated")
    if not all(name in figures for name in needed):
        return Conclusion(["Too few valid slices to say anything."])
    floor, services, network = (figures[name] for name in needed)
    promised = [row for row in figures.values() if "target" in row]
    above = [row for row in promised if row["ratio"] > row["target"]]
    holds = "All that is promised of these ratios holds" if not above else (
        f"{len(above)} of {len(promised)} promised ratios are exceeded: "
        + sentence_of_list([f"{row.get('what')} of {row.get('b')} over {row.get('a')}" for row in above])
    )  # fmt: skip
    answer = [
        f"A confirmed order costs the monolith {times(floor)} the CPU of its bare SQL, "
        f"and the services {times(services)} the CPU of the monolith.",
        f"Spread over four processes the services take {times(network)} the CPU of the same services in one. {holds}.",
    ]
    evidence = (
        f"Cost: spread over processes, the same services take {times(network)} the CPU per confirmed order that they "
        f"take in one process, over {network.get('pairs')} rounds. Latency is not measured here."
    )
    return Conclusion(answer, {"C3": (verdict_of(network), evidence)})


EXPERIMENT = Ablation(
    variants=(
        Variant("floor", "monolith", "the bare SQL in pgbench", is_floor=True),
        Variant("monolith", "monolith", "one process, one database"),
        Variant("microservices", "microservices", "four processes and Envoy"),
        Variant("colocated", "colocated", "the services in one process"),
    ),
    works=(Work("order", 2.0), Work("list", 2.0)),
    contrasts=tuple(
        Contrast(f"cpu_{unit}_{SHORT.get(b, b)}_vs_{SHORT.get(a, a)}", a, b, unit, targets.get(unit))
        for unit in ("order", "list")
        for (b, a), targets in PAIRS.items()
    ),
    conclude=conclude,
    noise=0.08,
    detects=1.15,
    restarts=False,
    proves=True,
    quick_rounds=3,
    quick_share=1.0,  # pgbench counts whole seconds, and does little in one on a busy machine
)
