"""Cores: what each build makes of 1, 2, 4 and 8 of them, beside monoliths that are cut up in other ways.

Question: On the same cores, how many answers a second does each build give, at which cost, and how much of that is had
by a monolith of more processes, or of one pool of them for orders and one for all else?

Hypothesis: On one core the monolith gives more, for it works less. With more cores both grow nearly in proportion,
since each part has as many replicas as there are cores. A pool of its own for orders costs nearly nothing and gains
nothing in sum: what it buys is that those who look around do not wait behind orders.

Load: Thirty-two clients, each of which asks again when it is answered (a closed loop), send the mixes `ordering` and
`browsing` in slices of 5 s, on live, warm data, in random order.

What is held equal: The cores of a build, and those of the load beside it. With N cores each part of a build has N
replicas, the monolith with its pool of connections, the services with four that are as large in sum. The controls are
the same program: twice as many replicas, and N for orders and payments beside N for all else (`twinshop up monolith
--with order-pool`), each with half the threads and half the connections. Every session starts all arms and a twin of
each afresh.

How to read it: Ratios are over sessions, and stand where both arms equal their restarted twins. There are as many sizes
as the machine has cores to keep the load apart (`--cores 4` for at most four); those that it lacks are named. Threads
of one core, limits and a hypervisor's share are in the report's table of the machine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from deploy.model.errors import Unsupported
from deploy.model.extras import ORDER_POOL
from deploy.model.parts import WEB_ORDERS
from loadtests.engine import budgets
from loadtests.engine.arm import BUILDS, Arm, ArmSpec, staff
from loadtests.engine.conduct import conduct
from loadtests.engine.declaration import Declaration
from loadtests.engine.factor import Factor
from loadtests.engine.loads import Peak
from loadtests.engine.study import Study, whole_number
from loadtests.measure import topology
from loadtests.measure.replication import Design, Spread
from loadtests.report.result import Result
from loadtests.report.words import sentence_of_list, without_twin

CLIENTS = 32
HALF = {"DB_POOL_SIZE": "8", "WEB_THREADS": "8"}
REPLICAS = ArmSpec("monolith-replicas", "monolith", {"web": HALF})
ROUTED = ArmSpec("monolith-routed", "monolith", {"web": HALF, WEB_ORDERS: HALF}, extras=(ORDER_POOL,))
A_CORE = {REPLICAS.name: 2}  # replicas of each part; else one


@contextlib.contextmanager
def on_cores(arm: Arm, size: float) -> Iterator[None]:
    """Have an arm on so many cores of its build's, with a replica of each part for each; it stays so."""
    with contextlib.suppress(Unsupported):
        arm.runner.pin(arm.budget.build[: int(size)] if arm.budget.build else None)
    staff(arm.runner, int(size) * A_CORE.get(without_twin(arm.name), 1))
    yield


def declaration(most: int) -> Declaration:
    """Return what is measured on up to so many cores."""
    monolith, services = BUILDS
    return Declaration(
        arms=(monolith, REPLICAS, ROUTED, services),
        peaks=tuple(Peak(mix, CLIENTS) for mix in ("ordering", "browsing")),
        factors=(Factor("cores", tuple(map(float, budgets.sizes(most))), on_cores),),
        noise=Spread(between=0.04, within=0.08),
        detects=1.3,
        quick=Design(sessions=1, pairs=1, detects=float("nan")),
    )


def run(study: Study) -> Result:
    """Measure on as many cores as there are, and say which sizes are missing."""
    most = whole_number(study, "cores", max(1, len(budgets.usable_cores()) - 1), 1)
    study.use(budgets.of_this_machine(budgets.sizes(most)[-1]))
    if missing := [str(size) for size in budgets.SIZES if size > most]:
        study.notes.append(
            f"Nothing is said of {sentence_of_list(missing)} cores: of {len(budgets.usable_cores())} that there are, "
            f"the load needs one, and a build had {most} at most."
        )
    build, other = set(study.budget.build or ()), set(study.budget.other or ())
    if shared := [group for group in topology.siblings() if build & set(group) and other & set(group)]:
        study.notes.append(f"Build and load were on threads of the same core: {shared}. They slowed each other down.")
    return conduct(study, declaration(most))
