"""Measures the runs of a session: every cell of a declaration once, in random order, on arms that are up."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from loadtests.engine import hot_and_cold, rows
from loadtests.engine.arm import Arm
from loadtests.engine.declaration import Cell, Declaration
from loadtests.engine.factor import Point
from loadtests.engine.generator import Generate
from loadtests.engine.loads import Peak, Waits
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, once_more_if_void
from loadtests.report.result import Run
from loadtests.report.words import is_twin, without_twin

QUICK_SHARE = 0.4  # of the time of runs on live data


@dataclass
class Cells:
    """`rates`: arrivals/s at the share of each load, by mix and arm. `measured`: what a factor's values came to."""

    study: Study
    declared: Declaration
    cells: Sequence[Cell]
    rates: Mapping[tuple[str, str], float]
    generators: hot_and_cold.Pair
    measured: list[dict[str, Any]] = field(default_factory=list)
    _seen: set[tuple[str, str, float]] = field(default_factory=set)

    def measure(self, arms: Mapping[str, Arm], generate: Generate, seed: int) -> None:
        """Run all cells once; arms follow each other at a share and point, in random order, so that they make a pair.

        Points and shares are drawn, too. `generate` is a generator that stays, for live data.
        """
        chance = random.Random(seed)
        together: dict[str, list[Cell]] = {}
        for cell in self.cells:
            together.setdefault(f"{dict(cell.point)} {cell.load.mix} {cell.share}", []).append(cell)
        points = [dict(point) for point in dict.fromkeys(tuple(cell.point.items()) for cell in self.cells)]
        for point in chance.sample(points, len(points)):
            groups = [group for group in together.values() if group[0].point == point]
            for group in chance.sample(groups, len(groups)):
                for cell in chance.sample(group, len(group)):
                    with self._held(arms[cell.arm.name], cell):
                        self._run(arms[cell.arm.name], cell, generate, seed)

    def histories(self, arm: str) -> list[Path]:
        """Return the client's histories of an arm's runs in this session, which is not over."""
        live = [run for run in self.study.runs if run["build"] == arm and "session" not in run and "raw" in run]
        return [path for run in live for path in (self.study.folder / run["raw"]).rglob("orders.jsonl")]

    @contextlib.contextmanager
    def _held(self, arm: Arm, cell: Cell) -> Any:
        with contextlib.ExitStack() as stack:
            for one in self.declared.factors:
                if not one.changes(cell.arm.stack):
                    continue
                value = cell.point[one.name]
                stack.enter_context(one.held(arm, value))
                place = (one.name, arm.name, value)
                if one.measured and place not in self._seen and not is_twin(arm.name):
                    self._seen.add(place)
                    self.measured.append({"factor": one.name, "value": value, "arm": arm.name, **one.measured(arm)})
            yield

    def _run(self, arm: Arm, cell: Cell, generate: Generate, seed: int) -> None:
        load, began = cell.load, len(self.study.runs)
        if self.study.quick and not (isinstance(load, Waits) and load.is_fresh):
            load = replace(load, duration_s=QUICK_SHARE * load.duration_s)
        if isinstance(load, Peak):
            self.study.runs.append(self._closed(arm, load, generate, seed))
        elif isinstance(load, hot_and_cold.Load):
            self.study.runs.append(self._beside(arm, load.at(cell.point), cell.point, seed))
        else:
            self._open(arm, load, cell.share, generate, seed)
        for run in self.study.runs[began:]:
            run["load"] = {**run.get("load", {}), "share": cell.share}
            if cell.point:
                run["factors"] = dict(cell.point)

    def _open(self, arm: Arm, waits: Waits, share: float, generate: Generate, seed: int) -> None:
        rate = self.rates[waits.mix, without_twin(arm.name)] * share / waits.share
        load = Load(rate, waits.duration_s, waits.warm_up_s, waits.mix)
        began = len(self.study.runs)
        once_more_if_void(
            self.study, arm, load, pair=1, seed=seed, generate=None if waits.is_fresh else generate
        )  # fmt: skip
        for run in self.study.runs[began:]:
            for by_journey in (run["latency_ms_by_journey"], run["histograms"], run["requests_by_journey"]):
                _keep(by_journey, waits.journeys)

    def _closed(self, arm: Arm, peak: Peak, generate: Generate, seed: int) -> Run:
        study, number = self.study, self.study.next_number
        folder = study.raw_folder(number, arm.name)
        spec = arm.closed_loop(folder, clients=peak.clients, duration_s=peak.duration_s, mix=peak.mix, seed=seed)
        run = rows.of_closed_loop(number, arm.name, "mix", 1, arm.load(spec, generate=generate))
        study.progress.done(f"{arm.name:<20} {peak.mix}: {run['rate_achieved']:.0f}/s as fast as it goes")
        return run | {"load": {"mix": peak.mix, "clients": peak.clients, "seed": seed}, "raw": folder.name}

    def _beside(self, arm: Arm, load: hot_and_cold.Load, point: Point, seed: int) -> Run:
        study, number = self.study, self.study.next_number
        folder = study.raw_folder(number, arm.name)
        warm = replace(load, duration_s=load.warm_s)
        hot_and_cold.both(arm, self.generators, warm, folder / "warm", seed=seed)
        with self.declared.around(arm, point) as noted:
            both = hot_and_cold.both(arm, self.generators, load, folder, seed=seed)
            notes = noted(both.spent)
        run = hot_and_cold.row(number, arm.name, 1, both, folder.name, unit=load.unit)
        run["generator"] = {"cold_failed": both.cold_failed, **notes}
        where = " ".join(f"{name} {value:g}" for name, value in point.items())
        study.progress.done(
            f"{arm.name:<16} {where}, {load.mix}: {run['rate_achieved']:.1f}/s, product pages p95 "
            f"{both.cold['p95']:.0f} ms"
        )
        return run | {"load": {"mix": load.mix, "clients": load.clients, "cold_rate": load.cold_rate, "seed": seed}}


def _keep(by_journey: dict[str, Any], journeys: Sequence[str]) -> None:
    """Leave out the journeys that another mix is for: a plot would merge them."""
    for name in by_journey.keys() - set(journeys):
        del by_journey[name]
