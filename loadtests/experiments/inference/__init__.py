"""Inference: a model in the process of the check-out, or in a service of its own.

Question: Where product pages ask a model what goes with a product, what becomes of the check-out while the model is
busy, and does more budget give more answers in the whole shop copied or in the model alone?

Hypothesis: In the monolith orders wait behind inferences, whatever the budget: they share threads, the interpreter and
the quota. The services' check-out shares none of that, and its p99 moves by less than a fifth. A monolith with as much
quota in sum answers more, since no quota lies idle in parts that are not asked. Each replica holds the model: in memory
the services gain nothing by it but that the rest of the shop is not copied.

Load: Open arrivals of orders at a steady rate, first alone (calm), then beside closed-loop clients that ask for
recommendations as fast as they are answered (hot), beside the same while the model's file is replaced twice a second
(reload), and beside product pages that ask for both (pages). One and more replicas of the monolith, and of the
recommendations alone. `--set products=10000 --set rank=512` makes the model so many times larger.

What is held equal: The same products, past, model (its name is checked) and requests. Each replica of an application
gets 20 % of one core (`--set share=0.2`), by a control group with a period of 100 ms; the control `monolith-equal` has
as much in sum as all services. Nobody is given bestsellers instead: each answer is an inference
(`RECOMMEND_WITHIN_MS`). Edge, databases and broker are outside the quota in both builds.

How to read it: The p99 of orders, hot over calm, in each arm: less than 1.2 is what is aimed at for the services. One
pass of each, so a direction and no verdict. The monolith with
as much quota in sum has it in one process; a pool of monoliths of which one is kept for inference is not measured here.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy import stacks
from deploy.model.errors import DeployError, Unsupported
from deploy.model.extras import RECOMMENDATIONS
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
    "microservices": ("catalog", "orders", "payments", "notifications", RECOMMENDATIONS),
}
OTHERS = len(LIMITED["microservices"]) - 1
SHARE = 0.2
ORDERS_S = 4.0
CLIENTS_A_REPLICA = 4
MIXES = {"hot": "recommendations-only", "reload": "recommendations-only", "pages": "product-pages"}
ANYWHERE = Budget(None, None)
PLOTS = findings.PLOTS


@dataclass(frozen=True)
class Form:
    """How much is measured: phases with one replica, and further replicas, which are hot only."""

    phases: tuple[str, ...] = ("calm", "hot", "reload", "pages")
    more_replicas: tuple[int, ...] = (2, 4)
    duration_s: float = 20.0
    products: int = 5_000
    rank: int = 256


QUICK = Form(("calm", "hot", "reload"), (2,), 3.0, 1_000, 64)


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
    """Measure orders beside a model that is calm, hot, reloaded, and in more replicas."""
    form = QUICK if study.quick else Form()
    products = whole_number(study, "products", form.products, 10)
    rank = whole_number(study, "rank", form.rank, 1)
    share = float(study.options.get("share", SHARE))
    with _shops_up(rank) as arms:
        for arm in arms.values():
            arm.fresh_data(products)
        versions = {name: model.awaited(arm, products) for name, arm in arms.items()}
        points = points_of(arms, form, share)
        study.progress.plan(len(points) + len(arms))
        with Pair.started(study.folder) as generators:
            replicas: dict[str, int] = {}
            for place, point in enumerate(points):
                is_new = replicas.get(point.arm.name) != point.replicas
                if is_new:
                    point.arm.runner.scale(HOT[point.arm.name], point.replicas)
                    replicas[point.arm.name] = point.replicas
                    model.awaited(point.arm, products)
                _measure(study, point, generators, place, form.duration_s, is_new=is_new)
        for name, arm in arms.items():
            histories = (study.folder / "raw").glob(f"*-{name}*/**/orders.jsonl")
            close_books(study, arm, histories, [one for one in study.runs if one["build"] == name][-1])
    if len(set(versions.values())) > 1:
        study.notes.append(f"The builds had different models, so their answers differ: {versions}.")
    return findings.result(study, versions, products=products, rank=rank, share=share)


@contextlib.contextmanager
def _shops_up(rank: int) -> Iterator[dict[str, Arm]]:
    """Have both builds with recommendations, and stop them. Raises DeployError if one is up, perhaps without them."""
    runners = [runner_for(name) for name in stacks.with_outside(tuple(HOT))]
    up = [runner.stack.name for runner in runners[1:] if runner.status().up]
    if up:
        raise DeployError(f"{' and '.join(up)} must not be up before this: `twinshop down`.")
    for runner in runners[1:]:
        runner.choose([RECOMMENDATIONS])
    settings = {"MODEL_RANK": str(rank), "RECOMMEND_WITHIN_MS": "10000", "TRAIN_AFTER_ORDERS": "1000000"}
    settings |= {"LOOK_EVERY_S": "0.5"}
    try:
        with StartProgress({runner.stack.name: len(runner.stack.parts) for runner in runners}) as progress:
            stacks.up(runners, dict.fromkeys(HOT.values(), settings), progress.watch)
        yield {name: Arm.of(name, ANYWHERE) for name in HOT}
    finally:
        stacks.down(tuple(HOT))


def _measure(study: Study, point: Point, generators: Pair, place: int, duration_s: float, *, is_new: bool) -> None:
    study.progress.doing(f"{point.name}: {point.phase}, {point.replicas} of {HOT[point.arm.name]}")
    folder = study.folder / "raw" / f"{place:02d}-{point.phase}-{point.replicas}-{point.name}"
    clients = CLIENTS_A_REPLICA * point.replicas
    mix = MIXES.get(point.phase, MIXES["hot"])
    if is_new:  # of new replicas the first answers are dear
        warm = Load(clients, mix, ORDERS_S, WARM_S, "orders-only")
        both(point.arm, generators, warm, folder / "warm", seed=study.seed + place)
    load = Load(clients, mix, ORDERS_S, duration_s, "orders-only")
    with _limited(study, point) as throttled, model.reloading(point.arm, often=point.phase == "reload"):
        seed = study.seed + place
        measured = _calm(study, point, generators, load, folder, seed) if point.phase == "calm" else None
        if measured is None:
            beside = both(point.arm, generators, load, folder, seed=seed)
            measured = row(study.next_number, point.name, point.replicas, beside, f"raw/{folder.name}", unit="mix")
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
    ) | {"raw": f"raw/{folder.name}"}  # fmt: skip


@contextlib.contextmanager
def _limited(study: Study, point: Point) -> Iterator[Callable[[], int] | None]:
    """Give each replica its quota, and yield what counts the periods in which one was used up; without, note why."""
    with contextlib.ExitStack() as stack:
        try:
            throttled = stack.enter_context(quota.limited(point.arm.runner, {LIMITED[point.arm.name]: point.share}))
        except Unsupported as error:
            note = f"No quotas here ({error}): parts share all cores, and nothing is shown of who holds whom up."
            study.notes += [] if note in study.notes else [note]
            yield None
            return
        time.sleep(0.2)  # a period or two
        yield throttled
