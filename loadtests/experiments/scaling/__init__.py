"""Scaling: the whole monolith many times, its pool for orders, or only the service in demand.

Question: Where one part of the shop is hot, does copying only that part give more orders for the money than copying the
whole shop, and what becomes of the customers who only look around?

Hypothesis: Goodput grows alike in all, since the risk score is all that counts. The services keep the cold part's p95,
which no longer shares a process with the hot one, and so does a monolith with a pool of its own for orders; the whole
monolith's product pages wait behind the risk scores at any number of replicas. In memory the services gain nothing: one
more payments service weighs about what one more monolith weighs, and the other services and their databases come on
top.

Load: Every charge takes 50 ms of CPU for its risk score (`RISK_MS`). Three closed-loop clients a replica place orders
as fast as they are answered; beside them product pages arrive at a steady 15/s. One to four replicas of the monolith,
of its pool for orders (`twinshop up monolith --with order-pool`), and of payments alone, in random order, over fresh
starts. Afterwards, without risk score and without quota, replicas are added and taken 20 times in each while the mix
`shopping` arrives.

What is held equal: The quota of CPU in sum, by control groups with a period of 100 ms. With N replicas each arm has
N + 3 times 15 % of a core. What is not hot has 15 % a process, which are three in the services, one in the monolith
with a pool and none in the other; the replicas of what is hot share the rest. The edge, the databases and the broker
are outside the quota, in all arms, and nothing is bound to cores.

How to read it: Goodput are confirmed orders a second, and the memory is that of all parts. The claim counts as
supported only if the services, at the highest number of replicas, need no more memory for an order a second than either
monolith, at a goodput that is not lower.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from deploy.model.errors import Unsupported
from deploy.model.extras import ORDER_POOL
from deploy.model.parts import WEB_ORDERS
from loadtests.engine import quota
from loadtests.engine.arm import BUILDS, Arm, ArmSpec
from loadtests.engine.budgets import Budget
from loadtests.engine.conduct import conduct
from loadtests.engine.declaration import Declaration
from loadtests.engine.factor import Factor, Point
from loadtests.engine.hot_and_cold import Load
from loadtests.engine.study import Study
from loadtests.experiments.scaling import findings, replica_changes
from loadtests.measure.accounting import Spent
from loadtests.measure.replication import Design, Spread
from loadtests.report.result import Result
from loadtests.report.words import without_twin

SHARE = 0.15  # of a core, for a process of the services
RISK_MS = 50
CHANGES, QUICK_CHANGES = 20, 2
CHANGE_RATE, STRETCH_S, QUICK_STRETCH_S = 30.0, 25.0, 8.0
MONOLITH, SERVICES = BUILDS
ROUTED = ArmSpec("monolith-routed", "monolith", extras=(ORDER_POOL,))
HOT = {MONOLITH.name: "web", ROUTED.name: WEB_ORDERS, SERVICES.name: "payments"}
COLD = {MONOLITH.name: (), ROUTED.name: ("web",), SERVICES.name: ("catalog", "orders", "notifications")}
CHANGED = {MONOLITH.name: ("web",), ROUTED.name: ("web", WEB_ORDERS), SERVICES.name: ("payments", "catalog", "orders")}
OTHERS = len(COLD[SERVICES.name])  # quotas that the services need beside what is hot


def hot_share(name: str, replicas: int) -> float:
    """Return the quota of each replica of what is hot, as a share of a core: in sum all arms have as much."""
    return SHARE * (replicas + OTHERS - len(COLD[name])) / replicas


def take_risks(arm: Arm) -> None:
    """Let each charge take its CPU."""
    arm.runner.configure(HOT[without_twin(arm.name)], {"RISK_MS": str(RISK_MS)})


@contextlib.contextmanager
def replicas_of_hot(arm: Arm, replicas: float) -> Iterator[None]:
    """Have so many replicas of what is in demand; it stays so."""
    arm.runner.scale(HOT[without_twin(arm.name)], int(replicas))
    yield


@contextlib.contextmanager
def limited(arm: Arm, point: Point) -> Iterator[Callable[[Spent], Mapping[str, Any]]]:
    """Give each process its quota; where that cannot be, replicas share all cores, and `quota` says so."""
    name, replicas = without_twin(arm.name), int(point["replicas"])
    share = hot_share(name, replicas)
    with contextlib.ExitStack() as stack:
        try:
            throttled = stack.enter_context(quota.limited(arm.runner, {(HOT[name],): share, COLD[name]: SHARE}))
        except Unsupported as error:
            note = {"replicas": replicas, "quota": f"none: {error}"}
            yield lambda _: note
            return

        def noted(spent: Spent) -> Mapping[str, Any]:
            used = spent.cpu_ms[HOT[name]] / 1000 / spent.wall_s / (share * replicas)
            return {"replicas": replicas, "throttled_periods": throttled(), "quota_used": used, "quota": share}

        yield noted


def change_replicas(study: Study, arms: Mapping[str, Arm]) -> Mapping[str, Any]:
    """Add and take replicas while customers are served, without risk scores; return what failed, by arm."""
    changes = {}
    for name, arm in arms.items():
        if name not in CHANGED:
            continue
        arm.runner.configure(HOT[name], {"RISK_MS": None})
        changed = replica_changes.change_under_load(
            arm, CHANGED[name], QUICK_CHANGES if study.quick else CHANGES, study.folder / "raw" / f"changes-{name}",
            rate=CHANGE_RATE, stretch_s=QUICK_STRETCH_S if study.quick else STRETCH_S, seed=study.seed,
            tell=study.progress.tell,
        )  # fmt: skip
        study.notes += [f"{name}, a change of replicas: {failure}" for failure in changed.failures[:5]]
        changes[name] = changed.as_dict()
    return {"changes": changes}


DECLARATION = Declaration(
    arms=(MONOLITH, ROUTED, SERVICES),
    against=((MONOLITH.name, SERVICES.name), (ROUTED.name, SERVICES.name), (MONOLITH.name, ROUTED.name)),
    beside=(Load(3, "orders-only", 15.0, 7.0, for_each="replicas", warm_s=2.5),),
    factors=(Factor("replicas", (1.0, 2.0, 3.0, 4.0), replicas_of_hot, quick=(1.0, 4.0)),),
    prepare=take_risks,
    around=limited,
    afterwards=change_replicas,
    conclude=findings.conclude,
    noise=Spread(between=0.05, within=0.10),
    detects=1.5,
    quick=Design(sessions=1, pairs=1, detects=float("nan")),
)


def run(study: Study) -> Result:
    """Measure it on all cores: the quota is the budget."""
    study.use(Budget(None, None))
    study.notes.append("Nothing was bound to cores here: the quota is the budget.")
    return conduct(study, DECLARATION)


HEADLINES = {"C2": findings.headline}
