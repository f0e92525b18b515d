"""Scaling: the whole monolith many times, or only the part in demand.

Question: Where one part of the shop is hot, does copying only that part give more orders for the money than copying the
whole shop, and what becomes of the customers who only look around?

Hypothesis: Goodput grows alike in both, nearly in proportion to the replicas, since the risk score is all that counts.
The services keep the cold part's p99, which no longer shares a process with the hot one; the monolith's product pages
wait behind the risk scores at any number of replicas. In memory the services gain nothing: one more payments service
weighs about what one more monolith weighs, and the other services and their databases come on top.

Load: Every charge takes 50 ms of CPU for its risk score (`RISK_MS`). Three closed-loop clients a replica place orders
as fast as they are answered; beside them product pages arrive at a steady 12/s. One to four replicas of the monolith,
and of payments alone, the builds in turns, first upwards and then downwards; at the highest number also a monolith of
as many replicas whose quotas are, in sum, those of all services. Afterwards, without risk score and without quota,
replicas are added and taken 20 times in each build while the mix `shopping` arrives.

What is held equal: Each replica of an application, hot or not, gets 15 % of one core, by a control group with a period
of 100 ms. So N replicas of payments and the three other services have three quotas more than N monoliths; the control
has as much in sum. The edge, the databases and the broker are outside the quota, in both builds, and nothing is bound
to cores.

How to read it: Goodput are confirmed orders a second; the straight line is what one replica did, times their number.
The memory is that of all parts. The claim counts as supported only if the services, at the highest number of replicas,
need no more memory for an order a second than the monolith with as much quota in sum, at a goodput that is not lower.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.model.errors import Unsupported
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.budgets import Budget
from loadtests.engine.closing import close_books
from loadtests.engine.hot_and_cold import Load, Pair, both, row
from loadtests.engine.quota import quotas_for
from loadtests.engine.study import PRODUCTS, Study
from loadtests.experiments.scaling import findings, plots, replica_changes
from loadtests.experiments.scaling.findings import EQUAL
from loadtests.report.result import Result

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
OTHERS = len(LIMITED["microservices"]) - 1  # of the services, that are not hot, each with a quota, too


@dataclass(frozen=True)
class Form:
    """How much is measured."""

    replicas: tuple[int, ...] = (1, 2, 3, 4, 4, 3, 2, 1)
    duration_s: float = 14.0
    changes: int = 20
    stretch_s: float = 25.0  # of the load under which replicas are changed


@dataclass(frozen=True)
class Point:
    """What is measured at one time: an arm, its replicas, and the share of a core that each of them gets."""

    name: str
    arm: Arm
    replicas: int
    share: float


QUICK = Form(replicas=(1, 2), duration_s=4.0, changes=2, stretch_s=8.0)


def run(study: Study) -> Result:
    """Measure goodput by replicas in both builds, then change replicas under load."""
    form = QUICK if study.quick else Form()
    share = float(study.options.get("share", SHARE))
    changes = {}
    with arms_up(tuple(HOT), ANYWHERE, keep=False) as arms:
        for arm in arms.values():
            arm.fresh_data(PRODUCTS)
        points = [point for replicas in form.replicas for point in points_of(arms, replicas, max(form.replicas), share)]
        study.progress.plan(len(points) + 2 * len(HOT))
        _measure_all(study, form, arms, points)
        for name, arm in arms.items():
            histories = (study.folder / "raw").glob(f"*-{name}*/**/hot/orders.jsonl")
            close_books(study, arm, histories, [run for run in study.runs if run["build"] == name][-1])
        for name, arm in arms.items():
            changes[name] = replica_changes.change_under_load(
                arm, CHANGED[name], form.changes, study.folder / "raw" / f"changes-{name}", rate=CHANGE_RATE,
                stretch_s=form.stretch_s, seed=study.seed, tell=study.progress.tell,
            )  # fmt: skip
            study.progress.done(f"{name:<14} {changes[name].done} changes, {changes[name].failed} failed requests")
    study.notes.append("Nothing was bound to cores here: the quota is the budget.")
    return findings.result(study, changes, share=share, others=OTHERS)


def points_of(arms: Mapping[str, Arm], replicas: int, most: int, share: float) -> list[Point]:
    """Return both builds at a number of replicas; at the highest also a monolith with the services' quota in sum."""
    points = [Point(name, arm, replicas, share) for name, arm in arms.items()]
    equal = Point(EQUAL, arms["monolith"], replicas, share * (replicas + OTHERS) / replicas)
    return [*points, equal] if replicas == most else points


def _measure_all(study: Study, form: Form, arms: Mapping[str, Arm], points: list[Point]) -> None:
    with contextlib.ExitStack() as stack:
        for name, arm in arms.items():
            arm.runner.configure(HOT[name], {"RISK_MS": str(RISK_MS)})
            stack.callback(arm.runner.configure, HOT[name], {"RISK_MS": None})
            stack.callback(arm.runner.scale, HOT[name], 1)
        generators = stack.enter_context(Pair.started(study.folder))
        for place, point in enumerate(points):
            study.progress.doing(f"{point.name}: {point.replicas} replicas of {HOT[point.arm.name]}")
            folder = study.folder / "raw" / f"{place:02d}-{point.replicas}-{point.name}"
            _measure(study, form, point, generators, folder, seed=study.seed + point.replicas)


def _measure(study: Study, form: Form, point: Point, generators: Pair, folder: Path, seed: int) -> None:
    arm, hot = point.arm, HOT[point.arm.name]
    load = Load(CLIENTS_A_REPLICA * point.replicas, "orders-only", COLD_RATE, form.duration_s)
    arm.runner.scale(hot, point.replicas)
    # A new replica's first orders cost it a second of CPU, which within the quota would take it seven.
    both(arm, generators, replace(load, duration_s=WARM_S), folder / "warm", seed=seed)
    with _limited(study, point) as throttled:
        measured = both(arm, generators, load, folder, seed=seed)
        periods = throttled()
    run = row(study.next_number, point.name, point.replicas, measured, f"raw/{folder.name}", unit="order")
    run["generator"] = {
        "replicas": point.replicas,
        "throttled_periods": periods,
        "cold_failed": measured.cold_failed,
        "quota_used": measured.spent.cpu_ms[hot] / 1000 / measured.spent.wall_s / (point.share * point.replicas),
    }
    study.runs.append(run)
    study.progress.done(
        f"{point.name:<14} {point.replicas} replicas: {measured.orders_s:5.1f} orders/s, product pages p99 "
        f"{measured.cold['p99']:.0f} ms, {sum(measured.after.memory_mb.values()):.0f} MB"
    )


@contextlib.contextmanager
def _limited(study: Study, point: Point) -> Iterator[Callable[[], int]]:
    """Give each replica its quota, and yield what counts the periods in which one was used up; without, note why."""
    try:
        quotas = quotas_for(point.arm.runner, point.share)
    except Unsupported as error:
        note = f"No quotas here ({error}): replicas share all cores, so more of them gain little."
        study.notes += [] if note in study.notes else [note]
        yield lambda: 0
        return
    note = f"Quotas: control groups of version {quotas.version}."
    study.notes += [] if note in study.notes else [note]
    try:
        quotas.apply(LIMITED[point.arm.name])
        yield quotas.throttled
    finally:
        quotas.lift()


PLOTS = plots.PLOTS
HEADLINES = {"C2": findings.headline}
