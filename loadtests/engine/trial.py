"""One run of one arm with open arrivals: fresh data, warm-up, load, books; and the row it makes in a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.engine import generator, rows, slow_traces
from loadtests.engine.arm import Arm, Measured
from loadtests.engine.generator import Generate, Meanwhile
from loadtests.engine.study import PRODUCTS, Study
from loadtests.load.generator.record import Row, read_rows
from loadtests.measure.books import Books
from loadtests.report.result import Run


@dataclass(frozen=True)
class Load:
    """What is sent in a run. `profile` overrides the constant rate; `extra` goes to the generator as it is."""

    rate: float
    duration_s: float
    warm_up_s: float
    mix: str = "shopping"
    profile: str = ""
    extra: Sequence[str] = ()

    @property
    def as_profile(self) -> str:
        """The rate over time, as the generator reads it."""
        return self.profile or f"{self.rate:.2f}x{self.duration_s:g}"

    def at(self, rate: float) -> Load:
        """Return the same load at another rate."""
        return replace(self, rate=rate)


@dataclass(frozen=True)
class Trial:
    """A run with everything that is known about it. `closed_at`: when its books were (of time.monotonic)."""

    run: Run
    measured: Measured
    books: Books | None
    folder: Path
    closed_at: float

    def rows(self) -> list[Row]:
        """Return its requests, one by one."""
        return read_rows(self.folder / "requests.csv.gz")

    def of_one_unit(self, unit: str) -> None:
        """Let its row count orders alone, where nothing else was sent."""
        run = self.run
        run.update({"unit": unit, "units": run["orders_confirmed"], "cpu_ms_per_unit": run["cpu_ms_per_order"]})

    def drop_costs(self, *, latencies: bool = False) -> None:
        """Leave out of its row what trouble makes meaningless.

        Counters of CPU died with their parts; and `latencies` of calm and trouble together say nothing.
        """
        self.run.update({"cpu_ms_per_order": None, "cpu_ms_per_unit": None, "cpu_ms_by_part": {}})
        if latencies:
            self.run.update({"histograms": {}, "latency_ms": None, "latency_ms_by_journey": {}})


def run_trial(
    study: Study, arm: Arm, load: Load, *, pair: int, seed: int, fresh: bool = True, reconcile: bool = True,
    meanwhile: Meanwhile = generator.nothing, before_books: Callable[[Path], None] = lambda _: None,
    generate: Generate = generator.run,
) -> Trial:  # fmt: skip
    """Run one arm once, add it to the study's runs, and return it. The same seed sends the same requests.

    `generate` may be a generator that stays. `meanwhile` happens beside the load. `before_books` gets the client's
    history before anybody looks at the books.
    """
    number = study.next_number
    folder = study.raw_folder(number, arm.name)
    study.progress.doing(f"Run {number}: {arm.name} at {load.rate:.0f}/s")
    if fresh:
        arm.fresh_data(PRODUCTS)
    spec = arm.open_arrivals(
        folder, profile=load.as_profile, duration_s=load.duration_s, mix=load.mix, seed=seed,
        warm_up_s=load.warm_up_s, extra=load.extra,
    )  # fmt: skip
    measured = arm.load(spec, meanwhile=meanwhile, generate=generate)
    before_books(folder / "orders.jsonl")
    closed_at = time.monotonic()
    outcome, books = arm.reconcile(folder / "orders.jsonl") if reconcile else (None, None)
    closed_at += outcome.waited_s if outcome else 0.0
    summary, confirmed = measured.summary, measured.summary["orders_confirmed"]
    if outcome is not None:
        # Goodput: what is wrong does not count as work done.
        confirmed = max(0, confirmed - len({violation.about for violation in outcome.violations}))
    run = rows.of_load(
        number, arm.name, pair, "mix", summary["requests"], measured, summary["void_reasons"], orders=confirmed
    )
    run |= {"outcomes": summary["outcomes"], "generator": summary["generator"]}
    if outcome is not None:
        rows.note_books(run, outcome)
    run["raw"] = folder.name
    run["load"] = {"mix": load.mix, "profile": load.as_profile, "arrivals": "poisson", "seed": seed}
    study.runs.append(run)
    study.slow_traces += slow_traces.collect(arm, folder, number)
    study.progress.done(tell(run))
    return Trial(run, measured, books, folder, closed_at)


def once_more_if_void(
    study: Study, arm: Arm, load: Load, *, pair: int, seed: int, generate: Generate | None = None
) -> Trial:
    """Run one arm. Void is said of the generator and never of the build, so running again favours nobody.

    With a generator that stays (`generate`) it is on live data, whose books are closed later.
    """
    for _ in range(2):
        if generate:
            trial = run_trial(
                study, arm, load, pair=pair, seed=seed, fresh=False, reconcile=False, generate=generate
            )  # fmt: skip
        else:
            trial = run_trial(study, arm, load, pair=pair, seed=seed)
        if not trial.run["void"]:
            break
    return trial


def tell(run: Run) -> str:
    """Return a run in one line."""
    books = "" if run["reconciled"] is None else ", books right" if run["reconciled"] else ", [red]BOOKS WRONG[/]"
    latency = run["latency_ms"]
    waits = f", p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms" if latency else ""
    cost = run["cpu_ms_per_order"]
    spent = f", {cost:.1f} ms CPU per order" if cost is not None else ""
    void = f", [red]void: {'; '.join(run['void_reasons'])}[/]" if run["void"] else ""
    return f"{run['build']:<14} {run['rate_achieved']:.0f}/s{waits}{spent}{books}{void}"
