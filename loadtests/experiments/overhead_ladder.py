"""The overhead ladder: what framework, split data, network and proxy each add to one order and to one list.

Question: On the way from one process to four services behind a proxy, which step adds how much CPU and how much wait?

Hypothesis: The second step weighs most, not the network: four databases, sagas and events are work that a transaction
does not have. Each HTTP call between processes adds about half a millisecond of CPU, Envoy between them a little more.
A list of products, which passes one service only, hardly changes. In all, a confirmed order costs the services at most
2.5 times the monolith's CPU.

Load: Open arrivals (Poisson) at one rate for all rungs: orders alone, and lists of 20 alone, in alternating slices of
3 s on live, warm stacks, in rounds of random order (`--set rounds=8`). Rungs: the monolith; the services in one process
(colocated); the services in processes, calling each other's ports; the same with Envoy between them. Beside the ladder,
since they change the work, in fewer rounds: no tokens between services; the broker held, so that events and mails
wait until after the slice; httpx's own transport in place of aiohttp's below the same API.

What is held equal: Cores, products, rate, and within a round the very requests. Rungs that are one stack with other
settings are restarted and warmed up with closed-loop orders before they are measured again. CPU is that of all parts,
until mails and events are done.

How to read it: Each bar of the waterfall is what a step adds, the mean of the differences round by round, with its 95 %
interval. A bar whose interval reaches 0 shows nothing. A list passes the edge and the catalog alone, so the step to
Envoy between the services does not exist for it. The monolith is measured twice in each round, as the A/A gate: unless
it equals itself within 10 %, no winner is named. Where the generator was late in a slice, its waits are left out, and
its CPU is not.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from loadtests.engine import generator, journeys_core, slices
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.feeder import Feeder
from loadtests.engine.study import PRODUCTS, Study
from loadtests.experiments import ladder_findings, ladder_plots, ladder_rungs
from loadtests.experiments.ladder_rungs import Rung, Switch
from loadtests.report.result import Result

PLOTS = ladder_plots.PLOTS

STACKS = ("monolith", "microservices", "colocated")


@dataclass(frozen=True)
class Form:
    """How much is measured. The number of rounds is fixed before the first."""

    rounds: int = 8
    ablation_rounds: int = 4
    slice_s: float = 3.0
    list_slice_s: float = 2.0
    warm_s: float = 1.5
    order_rate: float = 60.0
    list_rate: float = 500.0


QUICK = Form(rounds=2, ablation_rounds=1, slice_s=1.2, list_slice_s=0.7, warm_s=0.6)


def run(study: Study) -> Result:
    """Climb the ladder round by round, and check the books of all stacks at the end."""
    form = QUICK if study.quick else Form()
    form = replace(form, rounds=int(study.options.get("rounds", form.rounds)))
    chance = random.Random(study.seed)
    with (
        arms_up(STACKS, study.budget, keep=False) as arms,
        Feeder(study.folder / "generator.log") as feeder,
    ):
        proof = "" if study.quick else journeys_core.prove(arms, study.folder / "journeys.log")
        study.narrator.tell(f"all arms behave the same: {proof}" if proof else "quick: no journeys beforehand")
        climb = _Climb(study, form, arms, feeder)
        with ThreadPoolExecutor(len(arms)) as pool:
            list(pool.map(lambda arm: arm.fresh_data(PRODUCTS), arms.values()))
        for arm in arms.values():
            climb.warm(arm, 2 * form.warm_s)
        rungs, extra = ladder_rungs.ladder(arms["microservices"].runner), ladder_rungs.ablations()
        extra = extra[-1:] if study.quick else extra
        slices_a_round = len(rungs) + 1 + len(ladder_rungs.LISTED)
        study.narrator.plan(form.rounds * slices_a_round + form.ablation_rounds * len(extra) + len(arms))
        try:
            for round_ in range(1, form.rounds + 1):
                chosen = [*rungs, ladder_rungs.AGAIN, *(extra if round_ <= form.ablation_rounds else ())]
                for rung in chance.sample(chosen, len(chosen)):
                    climb.measure(rung, round_)
        finally:
            climb.switch.back()
        for name, arm in arms.items():
            _close(study, name, arm, {rung.name for rung in (*rungs, *extra) if rung.stack == name})
    study.notes.append(
        f"{form.rounds} rounds, ablations in {form.ablation_rounds} of them; {form.order_rate:g} orders/s, "
        f"{form.list_rate:g} lists/s."
    )
    return ladder_findings.result(study, rungs, extra)


@dataclass
class _Climb:
    """The measuring itself: one generator, one switch, slices."""

    study: Study
    form: Form
    arms: dict[str, Arm]
    feeder: Feeder

    def __post_init__(self) -> None:
        self.switch = Switch(self.arms)

    def measure(self, rung: Rung, round_: int) -> None:
        """Take the rung's stack there and measure a slice of orders, and one of lists."""
        arm = self.arms[rung.stack]
        self.study.narrator.doing(f"Round {round_}: {rung.name}")
        if self.switch.to(rung):
            self.warm(arm, self.form.warm_s)
        with ladder_rungs.held(arm, rung.holds):
            self._slice(arm, rung, round_, "order")
        if rung.name in ladder_rungs.LISTED:
            self._slice(arm, rung, round_, "list")

    def warm(self, arm: Arm, seconds: float) -> None:
        """Warm a stack up; its orders are in the books like all others."""
        slices.warm(arm, self.feeder, self.study.folder / "raw", seconds=seconds, seed=self.study.seed)

    def _slice(self, arm: Arm, rung: Rung, round_: int, unit: str) -> None:
        form = self.form
        rate, slice_s = (form.order_rate, form.slice_s) if unit == "order" else (form.list_rate, form.list_slice_s)
        folder = self.study.folder / "raw" / f"{round_:02d}-{rung.name}-{arm.name}-{unit}"
        order = generator.open_arrivals(
            arm.runner.address, arm.parties.identity, folder, profile=f"{rate:g}x{slice_s:g}", duration_s=slice_s,
            mix=f"{unit}s-only", seed=self.study.seed + round_, warm_up_s=0.7, cores=self.study.budget.other,
        )  # fmt: skip
        measured = slices.load(arm, self.feeder, order)
        row = slices.row(self.study.next_number, rung.name, unit, round_, rate, measured)
        self.study.runs.append(row)
        cost = row["cpu_ms_per_unit"] or 0.0
        self.study.narrator.done(f"round {round_}  {unit:<5} {rung.name:<14} {cost:.2f} ms CPU")


def _close(study: Study, name: str, arm: Arm, rungs: set[str]) -> None:
    """Check the books over all slices and warm-ups of a stack, whatever its settings were."""
    histories = (study.folder / "raw").glob(f"*-{name}-*order/orders.jsonl")
    last = [run for run in study.runs if run["build"] in rungs and run["unit"] == "order"][-1]
    close_books(study, arm, histories, last)
