"""Scaling: the whole monolith many times, or only the part in demand.

Question: Where one part of the shop is hot, does copying only that part give more orders for the money than copying
the whole shop, and what becomes of the customers who only look around?

Hypothesis: Goodput grows alike in both, nearly in proportion to the replicas, since the risk score is all that counts.
The services keep the cold part's p99, which no longer shares a process with the hot one; the monolith's product pages
wait behind the risk scores at any number of replicas. In memory the services gain nothing: one more payments service
weighs about what one more monolith weighs, and the other services and their databases come on top.

Load: Every charge takes 50 ms of CPU for its risk score (`RISK_MS`). Three closed-loop clients a replica place orders
as fast as they are answered; beside them product pages arrive at a steady 12/s. One to four replicas of the monolith,
and of payments alone, the builds in turns, first upwards and then downwards. Afterwards, without risk score and without
quota, replicas are added and taken 20 times in each build while the mix `shopping` arrives.

What is held equal: Each replica of an application, hot or not, gets 15 % of one core, by a control group with a period
of 100 ms. The edge, the databases and the broker are outside the quota, in both builds, and nothing is bound to cores.

How to read it: Goodput are confirmed orders a second; the straight line is what one replica did, times their number.
The memory is that of all parts. The claim counts as supported only if the services, at the highest number of replicas,
need no more memory for an order a second than the monolith, at a goodput that is not lower.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from deploy.compose.quota import ContainerQuotas
from deploy.local.quota import Quotas
from deploy.model.errors import Unsupported
from deploy.stacks import quotas_for
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.budgets import Budget
from loadtests.engine.closing import close_books
from loadtests.engine.feeder import Feeder
from loadtests.engine.hot_and_cold import Load, Pair, both, row
from loadtests.engine.study import PRODUCTS, Study
from loadtests.experiments import replica_changes, scaling_findings, scaling_plots
from loadtests.experiments.replica_changes import Changes
from loadtests.report.result import Result

PLOTS = scaling_plots.PLOTS

SHARE = 0.15  # `--set share=0.10` for a machine whose cores cannot bear four of these
RISK_MS = 50
CLIENTS_A_REPLICA = 3
WARM_S = 2.5
COLD_RATE = 12.0
CHANGE_RATE = 30.0
ANYWHERE = Budget(None, None)
HOT = {"monolith": "web", "microservices": "payments"}
LIMITED = {"monolith": ("web",), "microservices": ("catalog", "orders", "payments", "notifications")}
CHANGED = {"monolith": ("web",), "microservices": ("payments", "catalog", "orders")}


@dataclass(frozen=True)
class Form:
    """How much is measured."""

    replicas: tuple[int, ...] = (1, 2, 3, 4, 4, 3, 2, 1)
    duration_s: float = 14.0
    changes: int = 20
    stretch_s: float = 25.0  # of the load under which replicas are changed


QUICK = Form(replicas=(1, 2), duration_s=4.0, changes=2, stretch_s=8.0)


def run(study: Study) -> Result:
    """Measure goodput by replicas in both builds, then change replicas under load."""
    form = QUICK if study.quick else Form()
    share = float(study.options.get("share", SHARE))
    study.narrator.plan(len(HOT) * (len(form.replicas) + 2))
    changes: dict[str, Changes] = {}
    with arms_up(tuple(HOT), ANYWHERE, keep=False) as arms:
        for arm in arms.values():
            arm.fresh_data(PRODUCTS)
        how = _grow(study, form, arms, share)
        for name, arm in arms.items():
            histories = (study.folder / "raw").glob(f"*-{name}/**/hot/orders.jsonl")
            close_books(study, arm, histories, [run for run in study.runs if run["build"] == name][-1])
        for name, arm in arms.items():
            changes[name] = replica_changes.change_under_load(
                arm, CHANGED[name], form.changes, study.folder / "raw" / f"changes-{name}", rate=CHANGE_RATE,
                stretch_s=form.stretch_s, seed=study.seed, tell=study.narrator.tell,
            )  # fmt: skip
            study.narrator.done(f"{name:<14} {changes[name].done} changes, {changes[name].failed} failed requests")
    study.notes += [how, "Nothing was bound to cores here: the quota is the budget."]
    return scaling_findings.result(study, changes, share=share, others=len(LIMITED["microservices"]) - 1)


def _grow(study: Study, form: Form, arms: dict[str, Arm], share: float) -> str:
    """Measure each number of replicas in each build, and return how replicas were bounded."""
    with contextlib.ExitStack() as stack:
        for name, arm in arms.items():
            arm.runner.configure(HOT[name], {"RISK_MS": str(RISK_MS)})
            stack.callback(arm.runner.configure, HOT[name], {"RISK_MS": None})
            stack.callback(arm.runner.scale, HOT[name], 1)
        quotas: dict[str, Quotas | ContainerQuotas] = {}
        try:
            for name, arm in arms.items():
                quotas[name] = quotas_for(arm.runner, share)
                stack.callback(quotas[name].lift)
            how = (
                f"Quotas: control groups of version {next(iter(quotas.values())).version}, {share:.0%} of a core each."
            )
        except Unsupported as error:
            how = f"No quotas here ({error}): replicas share all cores, so more of them gain little."
        feeders = Pair(
            stack.enter_context(Feeder(study.folder / "hot.log")),
            stack.enter_context(Feeder(study.folder / "cold.log")),
        )
        for place, replicas in enumerate(form.replicas):
            for name, arm in arms.items():
                _measure(study, form, arm, quotas.get(name), share, feeders, place, replicas)
    return how


def _measure(
    study: Study,
    form: Form,
    arm: Arm,
    quotas: Quotas | ContainerQuotas | None,
    share: float,
    feeders: Pair,
    place: int,
    replicas: int,
) -> None:
    study.narrator.doing(f"{arm.name}: {replicas} replicas of {HOT[arm.name]}")
    folder = study.folder / "raw" / f"{place:02d}-{replicas}-{arm.name}"
    load = Load(CLIENTS_A_REPLICA * replicas, "orders-only", COLD_RATE, form.duration_s)
    if quotas:
        quotas.lift()
    arm.runner.scale(HOT[arm.name], replicas)
    # A new replica's first orders cost it a second of CPU, which within the quota would take it seven.
    both(arm, feeders, replace(load, duration_s=WARM_S), folder / "warm", seed=study.seed, cores=None)
    if quotas:
        quotas.apply(LIMITED[arm.name])
    throttled = quotas.throttled() if quotas else 0
    found = both(arm, feeders, load, folder, seed=study.seed + place, cores=None)
    run = row(study.next_number, arm.name, replicas, found, f"raw/{folder.name}", unit="order")
    run["generator"] = {
        "replicas": replicas,
        "throttled_periods": (quotas.throttled() if quotas else 0) - throttled,
        "cold_failed": found.cold_failed,
        "quota_used": found.spent.cpu_ms[HOT[arm.name]] / 1000 / found.spent.wall_s / (share * replicas),
    }
    study.runs.append(run)
    study.narrator.done(
        f"{arm.name:<14} {replicas} replicas: {found.orders_s:5.1f} orders/s, product pages p99 "
        f"{found.cold['p99']:.0f} ms, {sum(found.after.memory_mb.values()):.0f} MB"
    )
