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
import statistics
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
from loadtests.load.generator.record import FAILED, read_rows
from loadtests.measure.parties import Parties
from loadtests.report.plot import Figure, axes, bars, figure, line, points, rows_down, view
from loadtests.report.result import Result, Run, detail
from loadtests.report.words import count_of, number, sentence_of_list
from migration.moves import Mover, Report
from migration.watch import Bounds

MIX = "shopping"
STATES = ("monolith", *(f"monolith-{count}-out" for count in range(1, len(ORDER) + 1)))
FILL_CLIENTS = 8
FILL_SLICE_S = 10.0
SHARE_OF_CAPACITY = 0.5  # while a module moves
SHARE_IN_SLICES = 0.2
STEP_WITHIN_S = 60.0
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
    chosen = {name: type(value)(study.options.get(name, value)) for name, value in asdict(form).items()}
    form = Form(**chosen)
    modules = ORDER[: form.modules]
    study.narrator.plan(4 * len(modules) + 1)
    with outside_up(study.budget), arm_up(ArmSpec("monolith", "monolith"), study.budget) as arm:
        runner = arm.runner
        if not isinstance(runner, LocalRunner):
            raise Unsupported("Modules can be moved where stacks run as processes, not in containers.")
        if runner.extraction.running:
            raise DeployError("The monolith has modules out already: `twinshop migrate --back` them first.")
        way = _Way(study, form, runner)
        try:
            way.open(form.orders)
            for module in modules:
                way.move(module, "out")
                way.measure()
            for module in modules[::-1]:
                way.move(module, "back")
                way.measure()
            way.close()
        finally:
            _make_whole(runner)
    return conclude(study, way)


def _make_whole(runner: LocalRunner) -> None:
    """Leave a monolith that is one, also where something went wrong on the way."""
    for module in reversed(runner.extraction.running):
        Mover(runner, bounds=BOUNDS, stage_s=0.1).back(module)


class _Way:
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

    def open(self, wanted: int) -> None:
        """Fill the shop with orders, find the rate, and measure the monolith as it is."""
        study = self.study
        self.arm.fresh_data(PRODUCTS)
        if not self.rate:
            study.narrator.doing("What does the monolith take?")
            folder = study.folder / "raw" / "probe"
            capacity = probe(self.arm, folder, mix=MIX, seed=study.seed)
            self.rate, self.slice_rate = SHARE_OF_CAPACITY * capacity, SHARE_IN_SLICES * capacity
            self._histories += folder.rglob("orders.jsonl")
        study.narrator.doing(f"Selling {wanted:,} orders")
        part = 0
        while self.orders < wanted:
            part += 1
            folder = study.folder / "raw" / f"fill-{part}"
            order = generator.closed_loop(
                self.arm.runner.address, self.arm.parties.identity, folder, clients=FILL_CLIENTS,
                duration_s=FILL_SLICE_S if wanted > 1000 else 3.0, mix="orders-only", seed=study.seed + 1000 + part,
                cores=study.budget.other,
            )  # fmt: skip
            self.orders += generator.run(order, lambda: None)["orders_confirmed"]
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
        study.narrator.doing(f"{module} moves {direction}")
        folder = study.folder / "raw" / f"move-{len(self.moves) + 1}-{module}-{direction}"
        order = generator.open_arrivals(
            self.runner.address, self.arm.parties.identity, folder,
            profile=f"{self.rate:.2f}x{self.form.move_s:g}", duration_s=self.form.move_s, mix=MIX,
            seed=study.seed + 100 + len(self.moves), warm_up_s=self.form.warm_up_s, cores=study.budget.other,
        )  # fmt: skip
        with generator.beside(order) as load:
            _bind(self.runner, None)
            mover = Mover(self.runner, bounds=BOUNDS, stage_s=self.form.stage_s)
            report = mover.out(module) if direction == "out" else mover.back(module)
            under_load = time.monotonic() - load.began_at <= self.form.move_s
            summary = load.finish()
        _bind(self.runner, study.budget.build)
        self._histories.append(folder / "orders.jsonl")
        found = self._told(report, summary, folder) | {"under_load": under_load}
        self.moves.append(found)
        study.narrator.done(tell_move(found))

    def close(self) -> None:
        """Check the books over everything that happened."""
        close_books(self.study, self.arm, self._histories, self.study.runs[-1])

    def _told(self, report: Report, summary: dict[str, Any], folder: Path) -> dict[str, Any]:
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


def tell_move(found: dict[str, Any]) -> str:
    """Return a move in one line."""
    return (
        f"{found['module']:<13} {found['direction']:<4} {found['took_s']:.1f} s, {found['records']:,} records, gates "
        f"closed {found['gates_closed_ms']:.0f} ms, {found['failed']} of {found['requests']} requests failed"
    )


def conclude(study: Study, way: _Way) -> Result:
    """Return the result of the whole way."""
    by_state = {name: [run for run in study.runs if run["build"] == name] for name in STATES}
    states = [_state(name, runs) for name, runs in by_state.items() if runs]
    details = {"migration": {"moves": way.moves, "states": states, "rate": way.rate, "orders": way.orders}}
    study.notes.append(
        f"{way.rate:.0f} requests/s while modules moved, half of what a ramp found the monolith to take, and "
        f"{way.slice_rate:.0f}/s in the slices; {way.orders:,} orders and {PRODUCTS:,} products at the start."
    )
    return study.result(
        answer=answer(way.moves, states, study.runs),
        comparison={},
        findings={"C12": verdict(way.moves, states, study.runs)},
        next_command="make experiment NAME=migration" if study.quick else "",
        details=details,
    )


def _state(name: str, runs: list[Run]) -> dict[str, Any]:
    """Return the figures of a state: the middle of its runs, and each of them."""
    cost = [run["cpu_ms_per_order"] for run in runs if run["cpu_ms_per_order"]]
    latency = [run["latency_ms"] for run in runs if run["latency_ms"]]
    return {
        "name": name,
        "cpu_ms_per_order": statistics.mean(cost) if cost else None,
        "each_cpu_ms_per_order": cost,
        "p50_ms": statistics.mean(one["p50"] for one in latency) if latency else None,
        "p99_ms": statistics.mean(one["p99"] for one in latency) if latency else None,
        "memory_mb": statistics.mean(sum(run["memory_mb_by_part"].values()) for run in runs) if runs else None,
        "parts": len(runs[0]["cpu_ms_by_part"]) if runs else 0,
    }


def best_stop(states: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the cheapest state with a module out."""
    return min(states[1:], key=lambda state: state["cpu_ms_per_order"] or float("inf"))


def answer(moves: list[dict[str, Any]], states: list[dict[str, Any]], runs: list[Run]) -> list[str]:
    """Return the two sentences on top of the report."""
    failed, requests = sum(move["failed"] for move in moves), sum(move["requests"] for move in moves)
    violations = sum(len(run["violations"]) for run in runs)
    longest, waited = max(move["took_s"] for move in moves), max(move["gates_closed_ms"] for move in moves)
    best, base = best_stop(states), states[0]["cpu_ms_per_order"] or float("nan")
    ratios = ", ".join(f"{number((state['cpu_ms_per_order'] or 0) / base, 3)}" for state in states[1:])
    return [
        f"{count_of(failed, requests)} requests failed in {len(moves)} moves out and back, and {violations} promises "
        f"were broken; the longest move took {longest:.0f} s, and requests waited {waited:.0f} ms at most.",
        f"CPU per order with {sentence_of_list([str(count) for count in range(1, len(states))])} modules out, over "
        f"none: {ratios} times; the cheapest stop on the way is "
        f"{best['name'].removeprefix('monolith-').replace('-', ' ')}.",
    ]


def verdict(moves: list[dict[str, Any]], states: list[dict[str, Any]], runs: list[Run]) -> tuple[str, str]:
    """Return the verdict about C12 and its evidence."""
    clean = not any(move["failed"] for move in moves) and not any(run["violations"] for run in runs)
    in_time = all(move["took_s"] < STEP_WITHIN_S and move["under_load"] for move in moves)
    return ("supported" if clean and in_time else "not shown"), " ".join(answer(moves, states, runs))


def _bind(runner: Runner, cores: Sequence[int] | None) -> None:
    """Bind the stack, with all that has been started since, to these cores; None: to none."""
    with contextlib.suppress(Unsupported):
        runner.pin(cores)


_STATES = ("Monolith", "1 out", "2 out", "3 out", "4 out")
_STEPS = (
    ("start and stop parts", ("start", "let", "retire", "stop"), "part-edge"),
    ("copy", ("copy",), "part-databases-1"),
    ("watch each share", ("10 %", "50 %", "100 %"), "part-applications-2"),
    ("cross", ("cross",), "bad"),
)


def states(result: Result) -> Figure | None:
    """CPU per order and latency with 0 to 4 modules out; each measurement is a point, the line is their mean."""
    if not (migration := detail(result, "migration")):
        return None
    by_state: list[dict[str, Any]] = migration["states"]
    names = _STATES[: len(by_state)]
    costs = [state["cpu_ms_per_order"] for state in by_state]
    cheapest = min(range(1, len(costs)), key=lambda at: costs[at] or float("inf"))
    single = [(name, cost) for name, state in zip(names, by_state, strict=True)
              for cost in state["each_cpu_ms_per_order"]]  # fmt: skip
    cost = [
        line("CPU per order", names, costs, "monolith", marks=True),
        points("on the way out, and on the way back", [name for name, _ in single], [ms for _, ms in single], "dim",
               symbol="circle-open", size=8),
        points("best stop on the way, for cost", [names[cheapest]], [costs[cheapest]], "good", symbol="diamond",
               size=16, mode="markers+text", text=["best stop"], textposition="bottom center"),
    ]  # fmt: skip
    views = [
        view("CPU per order", cost, axes(y="ms of CPU per confirmed order")),
        view("latency", [line(f"p{nines}", names, [state[f"p{nines}_ms"] for state in by_state], shade, marks=True)
                         for nines, shade in ((50, "microservices"), (99, "bad"))], axes(y="milliseconds")),
        view("memory", [line("memory", names, [state["memory_mb"] for state in by_state], "part-broker", marks=True)],
             axes(y="MB of all parts")),
    ]  # fmt: skip
    reading = (
        "From left to right modules leave: notifications, catalog, payments, orders. What a step costs is the slope "
        "to it; the best stop is the cheapest state that has anything out."
    )
    return figure("migration", "What each step costs", reading, views, 420)


def moves(result: Result) -> Figure | None:
    """How long each move took, step by step, and how long requests waited while the module changed sides."""
    if not (migration := detail(result, "migration")):
        return None
    made = migration["moves"]
    data = [
        bars(
            name, [f"{move['module']} {move['direction']}" for move in made],
            [sum(step["took_s"] for step in move["steps"] if step["name"].startswith(starts)) for move in made], shade,
            lying=True, customdata=[[move["failed"], move["requests"], move["gates_closed_ms"]] for move in made],
            hover="%{y}: %{x:.2f} s<br>%{customdata[0]} of %{customdata[1]} requests failed<br>gates closed "
            "%{customdata[2]:.0f} ms",
        )
        for name, starts, shade in _STEPS
    ]  # fmt: skip
    failed, requests = sum(move["failed"] for move in made), sum(move["requests"] for move in made)
    reading = (
        f"All of it under load: {count_of(failed, requests)} requests failed. Most of the time is watching, by choice."
    )
    view_ = view("", data, rows_down("seconds", barmode="stack"))
    return figure("moves", "How long each move took", reading, [view_], 420)


PLOTS = (states, moves)
