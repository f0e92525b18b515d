"""Migration under load: the monolith becomes services, part by part, while customers buy; and goes the way back.

Question: Can a monolith be taken apart while it sells, with no lost order and no failed request, and where to stop?

Hypothesis: Yes: a module's data is copied while it is used, and it changes sides in a moment in which requests wait
instead of failing. Notifications out costs least, for nobody waits for them; each part more adds calls, commits and
processes, so that CPU per order grows on the way. A team that wants one part to live or be scaled alone stops there.

Load: Open arrivals (Poisson) of the mix `shopping` at half of what the monolith takes (a ramp finds it) through each of
the four moves out and the four moves back (`twinshop migrate PART`, `--back PART`), and at a fifth of it through a
measured slice in each of the five states, on the way out and on the way back. The shop has 1,000 products and 20,000
orders when it begins (`--set orders=20000`; so can the other lengths be set, as `Form` below names them).

What is held equal: The rates, products, cores and seeds; the same database servers, broker and edge. Only while a
module moves is the build not bound to its cores: what is being started would have a machine of its own. In a slice all
parts share the monolith's core, so its rate is one that four parts bear as well. Each state is
measured twice, once on each way, so that a drift of the machine weighs on none. The two figures of a state are all
there is: they show a tendency, and no verdict.

How to read it: Failed requests and violations first: one is too many. Then the time of each step, how long requests
waited at most while a module changed sides, and how old what the copy showed was. The plot shows CPU per order and
latency in each state. The best stopping point for cost is the cheapest state in which at least one module is out; what
a part is worth that can be scaled or lost alone, is for `scaling` and `blast-radius` to say.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError, Unsupported
from deploy.model.extraction import ORDER
from deploy.runner.interface import Runner
from loadtests.engine import generator
from loadtests.engine.arm import Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.closing import close_books
from loadtests.engine.probe import probe
from loadtests.engine.study import PRODUCTS, Study
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments.migration import findings, plots
from loadtests.load.generator.record import FAILED, read_rows
from loadtests.measure.parties import Parties
from loadtests.report.result import Result
from migration.moves import Mover, MoveReport
from migration.watch import Bounds

PLOTS = plots.PLOTS
HEADLINES = {"C12": findings.headline}
MIX = "shopping"
STATES = ("monolith", *(f"monolith-{count}-out" for count in range(1, len(ORDER) + 1)))
FILL_CLIENTS = 8
FILL_SLICE_S = 10.0
SHARE_OF_CAPACITY = 0.5  # while a module moves
SHARE_IN_SLICES = 0.2
BOUNDS = Bounds(p99_ms=1500)  # the machine may be shared; a service that is broken takes longer


@dataclass(frozen=True)
class Form:
    """How much is done. `move_s`: how long the load of a move lasts, which must be longer than the move."""

    modules: int = len(ORDER)
    orders: int = 20_000
    move_s: float = 60.0
    slice_s: float = 15.0
    warm_up_s: float = 2.0
    stage_s: float = 3.0


QUICK = Form(modules=2, orders=300, move_s=26.0, slice_s=5.0, warm_up_s=1.0, stage_s=0.7)


def run(study: Study) -> Result:
    """Move out what can be moved, and back, measuring each state on both ways."""
    form = QUICK if study.quick else Form()
    form = Form(**{name: type(value)(study.options.get(name, value)) for name, value in asdict(form).items()})
    modules = ORDER[: form.modules]
    study.progress.plan(4 * len(modules) + 1)
    with outside_up(study.budget), arm_up(ArmSpec("monolith", "monolith"), study.budget) as arm:
        runner = arm.runner
        if not isinstance(runner, LocalRunner):
            raise Unsupported("Modules can be moved where stacks run as processes, not in containers.")
        if runner.extraction.running:
            raise DeployError("The monolith has modules out already: `twinshop migrate --back` them first.")
        trip = _RoundTrip(study, form, runner)
        try:
            trip.open(form.orders)
            for module in modules:
                trip.move(module, "out")
                trip.measure()
            for module in modules[::-1]:
                trip.move(module, "back")
                trip.measure()
            trip.close()
        finally:
            _make_whole(runner)
    return conclude(study, trip)


def _make_whole(runner: LocalRunner) -> None:
    """Leave a monolith that is one, also where something went wrong on the way."""
    for module in reversed(runner.extraction.running):
        Mover(runner, bounds=BOUNDS, stage_s=0.1).back(module)


class _RoundTrip:
    """The way out and back: one runner, what the moves did, and the load through all of it."""

    def __init__(self, study: Study, form: Form, runner: LocalRunner) -> None:
        self.study, self.form, self.runner = study, form, runner
        self.moves: list[dict[str, Any]] = []
        self.rate = float(study.options.get("rate", 0))
        self.slice_rate = self.rate * SHARE_IN_SLICES / SHARE_OF_CAPACITY
        self.orders = 0
        self._histories: list[Path] = []

    @property
    def arm(self) -> Arm:
        """The arm as it is now: its databases change on the way."""
        name = STATES[len(self.runner.extraction.extracted)]
        return Arm(name, self.runner, Parties.of(self.runner), self.study.budget)

    def open(self, orders: int) -> None:
        """Fill the shop with orders, find the rate, and measure the monolith as it is."""
        study = self.study
        self.arm.fresh_data(PRODUCTS)
        if not self.rate:
            study.progress.doing("What does the monolith take?")
            folder = study.folder / "raw" / "probe"
            capacity = probe(self.arm, folder, mix=MIX, seed=study.seed)
            self.rate, self.slice_rate = SHARE_OF_CAPACITY * capacity, SHARE_IN_SLICES * capacity
            self._histories += folder.rglob("orders.jsonl")
        study.progress.doing(f"Selling {orders:,} orders")
        part = 0
        while self.orders < orders:
            part += 1
            folder = study.folder / "raw" / f"fill-{part}"
            spec = self.arm.closed_loop(
                folder, clients=FILL_CLIENTS, duration_s=FILL_SLICE_S if orders > 1000 else 3.0, mix="orders-only",
                seed=study.seed + 1000 + part,
            )  # fmt: skip
            self.orders += generator.run(spec, lambda: None)["orders_confirmed"]
            self._histories.append(folder / "orders.jsonl")
        self.measure()

    def measure(self) -> None:
        """Measure the state at hand under the load."""
        arm = self.arm
        load = Load(self.slice_rate, self.form.slice_s, self.form.warm_up_s, MIX)
        number_ = self.study.next_number
        trial = run_trial(self.study, arm, load, pair=1, seed=self.study.seed + number_, fresh=False, reconcile=False)
        self._histories.append(self.study.folder / trial.run["raw"] / "orders.jsonl")

    def move(self, module: str, direction: str) -> None:
        """Move a module while customers buy, and count what failed."""
        study = self.study
        study.progress.doing(f"{module} moves {direction}")
        folder = study.folder / "raw" / f"move-{len(self.moves) + 1}-{module}-{direction}"
        order = self.arm.open_arrivals(
            folder, profile=f"{self.rate:.2f}x{self.form.move_s:g}", duration_s=self.form.move_s, mix=MIX,
            seed=study.seed + 100 + len(self.moves), warm_up_s=self.form.warm_up_s,
        )  # fmt: skip
        with generator.beside(order) as load:
            _bind(self.runner, None)
            mover = Mover(self.runner, bounds=BOUNDS, stage_s=self.form.stage_s)
            report = mover.out(module) if direction == "out" else mover.back(module)
            under_load = time.monotonic() - load.began_at <= self.form.move_s
            summary = load.finish()
        _bind(self.runner, study.budget.build)
        self._histories.append(folder / "orders.jsonl")
        self.moves.append(self._outcome(report, summary, folder) | {"under_load": under_load})
        study.progress.done(findings.tell(self.moves[-1]))

    def close(self) -> None:
        """Check the books over everything that happened."""
        close_books(self.study, self.arm, self._histories, self.study.runs[-1])

    def _outcome(self, report: MoveReport, summary: dict[str, Any], folder: Path) -> dict[str, Any]:
        rows = [row for row in read_rows(folder / "requests.csv.gz") if row.due_s >= 0]
        failed = [row for row in rows if row.outcome in FAILED]
        return asdict(report) | {
            "requests": len(rows),
            "failed": len(failed),
            "failures": [f"{row.journey} at {row.due_s:.2f} s: {row.outcome} {row.status}" for row in failed[:20]],
            "pending": sum(row.code == "payment_pending" for row in rows),
            "orders_confirmed": summary["orders_confirmed"],
            "latency_ms": {name: summary["latency_ms"][name] for name in ("p50", "p99", "max")},
            "void": summary["void_reasons"],
        }


def conclude(study: Study, trip: _RoundTrip) -> Result:
    """Return the result of the whole way."""
    by_state = {name: [run for run in study.runs if run["build"] == name] for name in STATES}
    states = [findings.state(name, runs) for name, runs in by_state.items() if runs]
    details = {"migration": {"moves": trip.moves, "states": states, "rate": trip.rate, "orders": trip.orders}}
    study.notes.append(
        f"{trip.rate:.0f} requests/s while modules moved, half of what a ramp found the monolith to take, and "
        f"{trip.slice_rate:.0f}/s in the slices; {trip.orders:,} orders and {PRODUCTS:,} products at the start."
    )
    return study.result(
        answer=findings.answer(trip.moves, states, study.runs),
        comparison={},
        findings={"C12": findings.verdict(trip.moves, states, study.runs)},
        next_command="make experiment NAME=migration" if study.quick else "",
        details=details,
    )


def _bind(runner: Runner, cores: Sequence[int] | None) -> None:
    """Bind the stack, with all that has been started since, to these cores; None: to none."""
    with contextlib.suppress(Unsupported):
        runner.pin(cores)
