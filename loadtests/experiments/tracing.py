"""What tracing costs: the same orders with tracing off, with one trace in a hundred kept, and with all.

Question: How much more CPU does a confirmed order take while its way can be followed?

Hypothesis: With 1 % of all traces kept, an order takes at most 10 % more CPU in either build: what is not kept is
decided by the request's id before OpenTelemetry is asked. With every trace kept it takes half as much again and more,
and more so in the services, whose orders have more spans.

Load: Open arrivals (Poisson) of orders alone, at one rate for all, in slices of 4 s on live, warm stacks, in rounds of
random order (`--set rounds=8`). Each build is measured with tracing off, at 1 %, at 100 %, and off once more;
`--set shares=1%` leaves one of them out.

What is held equal: Cores, products, rate, and within a round the very requests. A build whose setting changes is
restarted (tracing is imported only where it is on) and warmed up with closed-loop orders before it is measured again;
so is one whose setting does not change. CPU is that of all parts, until mails, events and spans are done. Spans go to
files, by the official SDK's batching.

How to read it: Each ratio is of CPU per confirmed order, round by round, with its 95 % interval; 1.10 is what may not
be exceeded at 1 %. Off once more is the A/A gate: unless a build equals itself within 10 %, nothing is said. That a
trace names the part that is slow is no matter of cost: a test plants a delay and lets the tool find it, in both builds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from deploy.runner import tracing
from deploy.runner.interface import Runner
from loadtests.engine import generator, pairing, slices
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.feeder import Feeder
from loadtests.engine.study import PRODUCTS, Study
from loadtests.experiments.ladder_rungs import Rung, Switch
from loadtests.measure.statistics import NotComparable
from loadtests.report.result import Gate, Ratio, Result, Run
from loadtests.report.words import build_name, sentence_of_list, times

STACKS = ("monolith", "microservices")
SHARES = {"1%": 0.01, "100%": 1.0}
TARGET, TARGET_OF = 1.10, "1%"
TOLERANCE = 0.10


@dataclass(frozen=True)
class Form:
    """How much is measured. The number of rounds is fixed before the first."""

    rounds: int = 8
    slice_s: float = 4.0
    warm_s: float = 1.5
    rate: float = 60.0


QUICK = Form(rounds=2, slice_s=1.5, warm_s=0.8)


def run(study: Study) -> Result:
    """Measure round by round, and check the books of both builds at the end."""
    form = QUICK if study.quick else Form()
    form = replace(form, rounds=int(study.options.get("rounds", form.rounds)))
    chance = random.Random(study.seed)
    with arms_up(STACKS, study.budget, keep=False) as arms, Feeder(study.folder / "generator.log") as feeder:
        with ThreadPoolExecutor(len(arms)) as pool:
            list(pool.map(lambda arm: arm.fresh_data(PRODUCTS), arms.values()))
        titles = study.options.get("shares", ",".join(SHARES)).split(",")
        ways = [way for arm in arms.values() for way in ways_of(arm.runner, titles)]
        study.narrator.plan(form.rounds * len(ways) + len(arms))
        taking = _Taking(study, form, arms, feeder)
        try:
            for round_ in range(1, form.rounds + 1):
                for way in chance.sample(ways, len(ways)):
                    taking.measure(way, round_)
        finally:
            taking.switch.back()
        for name, arm in arms.items():
            histories = (study.folder / "raw").glob(f"*-{name}-*order/orders.jsonl")
            last = [row for row in study.runs if row["build"].startswith(name)][-1]
            close_books(study, arm, histories, last)
    study.notes.append(f"{form.rounds} rounds; {form.rate:g} orders/s.")
    found_gate = gate(study.runs)
    figures = compare(study.runs, withhold=found_gate is None or not found_gate["passed"])
    return study.result(
        answer=answer(figures),
        comparison=figures,
        findings=findings(figures),
        gate=found_gate,
        details={"tracing": means(study.runs)},
    )


def means(runs: list[Run]) -> dict[str, float]:
    """Return the mean CPU ms per confirmed order of each way."""
    found: dict[str, list[float]] = {}
    for row in runs:
        if not row["void"] and row["cpu_ms_per_unit"]:
            found.setdefault(row["build"], []).append(row["cpu_ms_per_unit"])
    return {name: round(sum(values) / len(values), 3) for name, values in found.items()}


def ways_of(runner: Runner, titles: Sequence[str]) -> list[Rung]:
    """Return the settings in which a build is measured. The first and the last are the same: off."""
    name = runner.stack.name
    found = [Rung(name, name, "tracing off")]
    for title in titles:
        told = tracing.settings_of(runner, SHARES[title])
        settings = dict.fromkeys(tracing.traced_parts(runner), told)
        found.append(Rung(f"{name}-{title}", name, f"{title} of all traces kept", settings))
    return [*found, Rung(f"{name}-again", name, "tracing off, once more")]


@dataclass
class _Taking:
    """The measuring itself: one generator, one switch, slices."""

    study: Study
    form: Form
    arms: dict[str, Arm]
    feeder: Feeder

    def __post_init__(self) -> None:
        self.switch = Switch(self.arms)

    def measure(self, way: Rung, round_: int) -> None:
        """Bring the build to its setting, warm it, and measure a slice of orders."""
        arm, form = self.arms[way.stack], self.form
        self.study.narrator.doing(f"Round {round_}: {way.name}")
        if not self.switch.to(way):
            self._restart(arm)  # who was restarted has fresh connections and an empty pool: so must everybody
        raw = self.study.folder / "raw"
        slices.warm(arm, self.feeder, raw, seconds=form.warm_s, seed=self.study.seed)
        folder = raw / f"{round_:02d}-{way.name.replace('%', '')}-{arm.name}-order"
        order = generator.open_arrivals(
            arm.runner.address, arm.parties.identity, folder, profile=f"{form.rate:g}x{form.slice_s:g}",
            duration_s=form.slice_s, mix="orders-only", seed=self.study.seed + round_, warm_up_s=0.7,
            cores=self.study.budget.other,
        )  # fmt: skip
        measured = slices.load(arm, self.feeder, order)
        row = slices.row(self.study.next_number, way.name, "order", round_, form.rate, measured)
        self.study.runs.append(row)
        self.study.narrator.done(f"round {round_}  {way.name:<20} {row['cpu_ms_per_unit'] or 0.0:.2f} ms CPU")

    def _restart(self, arm: Arm) -> None:
        parts = tracing.traced_parts(arm.runner)
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(arm.runner.restart, parts))


def compare(runs: list[Run], *, withhold: bool) -> dict[str, Ratio]:
    """Return what an order costs with tracing over what it costs without, by build and by share."""
    figures = {
        f"cpu_order_{name}_{title}_vs_off": pairing.ratio(
            runs, name, f"{name}-{title}", pairing.cpu_per_unit, "CPU per confirmed order", unit="order",
            withhold=withhold, target=TARGET if title == TARGET_OF else None,
        )
        for name in STACKS
        for title in SHARES
    }  # fmt: skip
    return pairing.present(figures)


def gate(runs: list[Run]) -> Gate | None:
    """Return the A/A gate: the worse of the two builds against themselves."""
    found = []
    for name in STACKS:
        pairs = pairing.pairs_of(runs, name, f"{name}-again", pairing.cpu_per_unit, "order")
        try:
            found.append(pairs.equivalence(TOLERANCE))
        except NotComparable:
            return None
    worst = max(found, key=lambda one: one.spread)
    return {
        "passed": all(one.passed for one in found), "spread": worst.spread, "tolerance": TOLERANCE,
        "pairs": worst.pairs, "figure": "CPU per confirmed order, each build against itself",
    }  # fmt: skip


def answer(figures: dict[str, Ratio]) -> list[str]:
    """Return the answer: a sentence for each share that was measured."""
    said = []
    for title, opening in {"1%": "With 1 % of all traces kept", "100%": "With all of them kept"}.items():
        rows = {name: figures.get(f"cpu_order_{name}_{title}_vs_off") for name in STACKS}
        builds = [f"the {build_name(name).lower()} {times(row)}" for name, row in rows.items() if row]
        if builds:
            said.append(f"{opening}, a confirmed order takes {sentence_of_list(builds)} the CPU it takes without.")
    return said or ["Too few valid slices to say anything."]


def findings(figures: dict[str, Ratio]) -> dict[str, tuple[str, str]]:
    """Return what this says about C8: that following requests has its price, in which build, and how much."""
    rows = {name: figures.get(f"cpu_order_{name}_100%_vs_off") for name in STACKS}
    one, four = rows["monolith"], rows["microservices"]
    if one is None or four is None:
        return {}
    evidence = (
        f"Following every order takes the services {times(four)} the CPU, and the monolith {times(one)}, over "
        f"{four.get('pairs')} rounds. That a request has to be followed through many services is not measured by "
        "this: what is, is that one tool follows it in both builds, and what it costs."
    )
    verdict = {"higher": "supported", "lower": "refuted"}.get(four.get("verdict", ""), "not shown")
    return {"C8": (verdict, evidence)}
