"""Inference: a model in the process of the check-out, or in a service of its own.

Question: Where product pages ask a model what goes with a product, what becomes of the check-out while the model is
busy, is loaded anew, is wrong, or has grown ten times? And does more budget give more answers in the whole shop copied
or in the model alone?

Hypothesis: In the monolith orders wait behind inferences, whatever the budget: they share threads, the interpreter and
the quota. The services' check-out shares none of that, and its p99 moves by less than a fifth. A monolith with as much
quota in sum answers more, since no quota lies idle in parts that are not asked. Each replica holds the model: in memory
the services gain nothing by it but that the rest of the shop is not copied.

Load: Open arrivals of orders at a steady rate, first alone (calm), then beside closed-loop clients that ask for
recommendations as fast as they are answered (hot), beside the same while the model's file is replaced twice a second
(reload) by itself or by one that is cut off (wrong), and beside product pages that ask for both (pages). One and more
replicas of the monolith, and of the recommendations alone. Then, on fresh data, beside a model of ten times as many
products (grown). `--set products=10000 --set rank=512` makes the first model larger.

What is held equal: The same products, past, model (its name is checked) and requests. Each replica of an application
gets 20 % of one core (`--set share=0.2`), by a control group with a period of 100 ms. Two controls have as much in sum
as all services: `monolith-equal` in one process, and `monolith-routed` in two, one of which the edge keeps for orders
(`twinshop up monolith --with order-pool`). Nobody is given bestsellers instead: each answer is an inference
(`RECOMMEND_WITHIN_MS`). Edge, databases and broker are outside the quota in both builds.

How to read it: The p99 of orders, hot over calm, in each arm: less than 1.2 is what is aimed at for the services. One
pass of each, so a direction and no verdict. What keeps orders apart in the routed monolith is a route and a second
process: as far as it does as well as the services, they owe it to that, and not to being services. Where the model is
wrong or loaded anew, answers and orders go on as while it is hot, or it shows.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy import stacks
from deploy.model.errors import DeployError, Unsupported
from deploy.model.extras import ORDER_POOL, RECOMMENDATIONS
from deploy.model.parts import WEB_ORDERS
from deploy.runner.console import StartProgress
from deploy.stacks import runner_for
from loadtests.engine import quota, rows
from loadtests.engine.arm import Arm
from loadtests.engine.budgets import Budget
from loadtests.engine.closing import close_books
from loadtests.engine.hot_and_cold import WARM_S, Load, Pair, both, row
from loadtests.engine.study import Study, whole_number
from loadtests.experiments.inference import findings, model
from loadtests.report.result import Result, Run

HOT = {"monolith": "web", "microservices": RECOMMENDATIONS}
LIMITED = {
    "monolith": ("web",),
    findings.EQUAL: ("web",),
    findings.ROUTED: ("web", WEB_ORDERS),
    "microservices": ("catalog", "orders", "payments", "notifications", RECOMMENDATIONS),
}
OTHERS = len(LIMITED["microservices"]) - 1
SHARE = 0.2
ORDERS_S = 4.0
CLIENTS_A_REPLICA = 4
HOT_MIX, PAGES_MIX = "recommendations-only", "product-pages"
ANYWHERE = Budget(None, None)
PLOTS = findings.PLOTS


@dataclass(frozen=True)
class Form:
    """How much is measured: phases with one replica, and further replicas, which are hot only."""

    phases: tuple[str, ...] = ("calm", "hot", "reload", "wrong", "pages")
    more_replicas: tuple[int, ...] = (2, 4)
    duration_s: float = 20.0
    products: int = 5_000
    rank: int = 256
    grown: int = 10  # times as many products


QUICK = Form(("calm", "hot", "wrong"), (), 2.0, 1_000, 64, 2)


@dataclass(frozen=True)
class Point:
    """What is measured at one time. `share`: of a core, for each replica."""

    name: str
    arm: Arm
    phase: str
    replicas: int
    share: float


def points_of(arms: Mapping[str, Arm], form: Form, share: float) -> list[Point]:
    """Return every arm in each phase; the monolith with as much quota in sum where it is hot, and before that calm."""
    kinds = [("monolith", "monolith"), (findings.EQUAL, "monolith"), ("microservices", "microservices")]
    points = []
    for replicas, phases in [(1, form.phases), *((number, ("hot",)) for number in form.more_replicas)]:
        equal = share * (OTHERS + replicas) / replicas
        points += [
            Point(name, arms[build], phase, replicas, equal if name == findings.EQUAL else share)
            for phase in phases
            for name, build in kinds
            if name != findings.EQUAL or phase in ("calm", "hot")
        ]
    return points


def run(study: Study) -> Result:
    """Measure orders beside a model that is calm, hot, reloaded, wrong, in more replicas, and ten times as large."""
    form = QUICK if study.quick else Form()
    products = whole_number(study, "products", form.products, 10)
    rank = whole_number(study, "rank", form.rank, 1)
    share = float(study.options.get("share", SHARE))
    with Pair.started(study.folder) as generators:
        with _shops_up(tuple(HOT), [RECOMMENDATIONS], rank) as arms:
            grown = [Point(name, arm, "grown", 1, share) for name, arm in arms.items()]
            points = points_of(arms, form, share)
            study.progress.plan(len(points) + len(grown) + 7)
            versions = _group(study, "plain", points, products, generators, form.duration_s)
            _group(study, "grown", grown, form.grown * products, generators, form.duration_s)
        with _shops_up(("monolith",), [RECOMMENDATIONS, ORDER_POOL], rank) as arms:
            equal = share * (OTHERS + 1) / len(LIMITED[findings.ROUTED])
            routed = [Point(findings.ROUTED, arms["monolith"], phase, 1, equal) for phase in ("calm", "hot")]
            _group(study, "routed", routed, products, generators, form.duration_s)
    if len(set(versions.values())) > 1:
        study.notes.append(f"The builds had different models, so their answers differ: {versions}.")
    return findings.result(study, versions, products=products, rank=rank, share=share, grown=form.grown)


def _group(
    study: Study, title: str, points: Sequence[Point], products: int, generators: Pair, duration_s: float
) -> dict[str, str]:
    """Measure on fresh data of so many products and check the books; return the version of each build's model."""
    arms = {point.arm.name: point.arm for point in points}
    for arm in arms.values():
        arm.fresh_data(products)
    versions = {name: model.awaited(arm, products) for name, arm in arms.items()}
    replicas: dict[str, int] = {}
    for place, point in enumerate(points):
        name = point.arm.name
        is_new = replicas.get(name) != point.replicas
        if is_new:
            point.arm.runner.scale(HOT[name], point.replicas)
            replicas[name] = point.replicas
            model.awaited(point.arm, products)
        folder = study.folder / "raw" / title / f"{place:02d}-{point.phase}-{point.replicas}-{point.name}"
        _measure(study, point, generators, folder, study.seed + place, duration_s, is_new=is_new)
        if point.phase == "wrong" and (now := model.awaited(point.arm, products)) != versions[name]:
            study.notes.append(f"{point.name} has taken a model that was cut off: {now}, and not {versions[name]}.")
    for name, arm in arms.items():
        histories = (study.folder / "raw" / title).glob(f"*-{name}*/**/orders.jsonl")
        close_books(study, arm, histories, [run for run in study.runs if run["build"].partition("-")[0] == name][-1])
    return versions


@contextlib.contextmanager
def _shops_up(builds: tuple[str, ...], extras: Sequence[str], rank: int) -> Iterator[dict[str, Arm]]:
    """Have builds with recommendations, and stop them. Raises DeployError if one is up, perhaps without them."""
    runners = [runner_for(name) for name in stacks.with_outside(builds)]
    up = [runner.stack.name for runner in runners[1:] if runner.status().up]
    if up:
        raise DeployError(f"{' and '.join(up)} must not be up before this: `twinshop down`.")
    for runner in runners[1:]:
        runner.choose(extras)
    settings = {"MODEL_RANK": str(rank), "RECOMMEND_WITHIN_MS": "10000", "TRAIN_AFTER_ORDERS": "1000000"}
    settings |= {"LOOK_EVERY_S": "0.5"}
    thinking = [HOT[name] for name in builds] + ([WEB_ORDERS] if ORDER_POOL in extras else [])
    try:
        with StartProgress({runner.stack.name: len(runner.stack.parts) for runner in runners}) as progress:
            stacks.up(runners, dict.fromkeys(thinking, settings), progress.watch)
        yield {name: Arm.of(name, ANYWHERE) for name in builds}
    finally:
        stacks.down(builds)


def _measure(
    study: Study, point: Point, generators: Pair, folder: Path, seed: int, duration_s: float, *, is_new: bool
) -> None:
    study.progress.doing(f"{point.name}: {point.phase}, {point.replicas} of {HOT[point.arm.name]}")
    clients = CLIENTS_A_REPLICA * point.replicas
    mix = PAGES_MIX if point.phase == "pages" else HOT_MIX
    raw = str(folder.relative_to(study.folder))
    if is_new:  # of new replicas the first answers are dear
        warm = Load(clients, mix, ORDERS_S, WARM_S, "orders-only")
        both(point.arm, generators, warm, folder / "warm", seed=seed)
    load = Load(clients, mix, ORDERS_S, duration_s, "orders-only")
    with _limited(study, point) as throttled, model.replacing(point.arm, point.phase):
        measured = _calm(study, point, generators, load, folder, seed) if point.phase == "calm" else None
        if measured is None:
            beside = both(point.arm, generators, load, folder, seed=seed)
            measured = row(study.next_number, point.name, point.replicas, beside, raw, unit="mix")
            measured |= {"latency_ms_by_journey": {"order": beside.cold}}
            if beside.cold_failed:
                study.notes.append(f"{point.name}, {point.phase}: {beside.cold_failed:.1%} of the orders failed.")
        periods = throttled() if throttled else 0
    used_s = measured["cpu_ms_by_part"].get(HOT[point.arm.name], 0.0) / 1000
    measured["generator"] = {
        "quota_used": used_s / (point.share * point.replicas * duration_s),
        "throttled_periods": periods,
    }
    study.runs.append(
        measured
        | {
            "factors": {
                "phase": point.phase,
                "replicas": point.replicas,
                "share": point.share,
                "limited": throttled is not None,
            }
        }
    )
    p99 = (measured["latency_ms"] or {"p99": 0.0})["p99"]
    study.progress.done(
        f"{point.name:<14} {point.phase:<6} x{point.replicas}: orders p99 {p99:.0f} ms, "
        f"{measured['rate_achieved']:.0f} answers/s, {sum(measured['memory_mb_by_part'].values()):.0f} MB"
    )


def _calm(study: Study, point: Point, generators: Pair, load: Load, folder: Path, seed: int) -> Run:
    """Measure the orders alone."""
    spec = point.arm.open_arrivals(
        folder / "cold", profile=f"{load.cold_rate:g}x{load.duration_s:g}", duration_s=load.duration_s,
        mix=load.cold_mix, seed=seed, warm_up_s=WARM_S, extra=["--customers", "1"],
    )  # fmt: skip
    measured = point.arm.load(spec, generate=generators.cold.run)
    orders = measured.summary["orders_confirmed"]
    return rows.of_load(
        study.next_number, point.name, point.replicas, "order", orders, measured, [], orders=orders
    ) | {"raw": str(folder.relative_to(study.folder))}  # fmt: skip


@contextlib.contextmanager
def _limited(study: Study, point: Point) -> Iterator[Callable[[], int] | None]:
    """Give each replica its quota, and yield what counts the periods in which one was used up; without, note why."""
    with contextlib.ExitStack() as stack:
        try:
            throttled = stack.enter_context(quota.limited(point.arm.runner, {LIMITED[point.name]: point.share}))
        except Unsupported as error:
            note = f"No quotas here ({error}): parts share all cores, and nothing is shown of who holds whom up."
            study.notes += [] if note in study.notes else [note]
            yield None
            return
        time.sleep(0.2)  # a period or two
        yield throttled
