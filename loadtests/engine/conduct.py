"""Conducts a comparison of arms: fresh starts with twins, pulses for CPU, open arrivals for waits."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.faults import injected_faults
from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from loadtests.engine import interleaved_slices, journeys_core, probe, rounds, verdicts
from loadtests.engine.ablation import Ablation
from loadtests.engine.arm import Arm, ArmSpec
from loadtests.engine.cells import Cells
from loadtests.engine.closing import close_books
from loadtests.engine.declaration import Cell, Declaration
from loadtests.engine.fresh_start import in_one_place, started
from loadtests.engine.hot_and_cold import Pair
from loadtests.engine.interleaved_slices import Pulse
from loadtests.engine.loads import Waits
from loadtests.engine.study import PRODUCTS, Study, whole_number
from loadtests.engine.warm_generator import WarmGenerator
from loadtests.measure import accounting
from loadtests.measure.replication import Design
from loadtests.report.result import Result
from loadtests.report.words import TWIN, is_twin, slug, without_twin

Rates = dict[tuple[str, str], float]  # requests/s by mix and build

WARM_S = 3.0


@dataclass(frozen=True)
class Options:
    """What `--set` asks for. `planted`: the share by which the twin of `planted_in` is slowed down, for a test."""

    arms: tuple[ArmSpec, ...]
    waits: bool
    design: Design
    planted: float
    planted_in: str

    @classmethod
    def of(cls, study: Study, declared: Declaration) -> Options:
        """Read them. Raises DeployError that names the one that is wrong."""
        figures, build = study.options.get("figures", "all"), study.options.get("planted_in", declared.arms[0].name)
        if figures not in ("all", "cpu", "aa"):
            raise DeployError(f"figures={figures}: want all, cpu, or aa (the A/A gate of one build alone).")
        by_name = {spec.name: spec for spec in declared.arms}
        if build not in by_name:
            raise DeployError(f"planted_in={build}: want {' or '.join(by_name)}.")
        design = declared.quick if study.quick else declared.design
        sessions = whole_number(study, "sessions", design.sessions, min(2, design.sessions))
        pairs = whole_number(study, "pairs", design.pairs, 1)
        arms = (by_name[build],) if figures == "aa" else declared.arms
        arms = tuple(arm for arm in arms if not (arm.extras and in_one_place(declared.arms)))
        design = replace(design, sessions=sessions, pairs=pairs)
        return cls(arms, figures == "all", design, _share(study.options.get("planted", "0")), build)


def conduct(study: Study, declared: Declaration | Ablation) -> Result:
    """Measure what is declared: in fresh starts of all arms, or variants in turns, and say what that shows."""
    return rounds.conduct(study, declared) if isinstance(declared, Ablation) else _sessions(study, declared)


def _sessions(study: Study, declared: Declaration) -> Result:
    """Measure session by session, and say what they show together."""
    options = Options.of(study, declared)
    if declared.costs:
        declared = _shortened(study, declared, options)
    design = options.design
    twins = (design.sessions > 1 or not study.quick) and (bool(declared.costs) or not in_one_place(options.arms))
    cells = [cell for cell in declared.cells(design, quick=study.quick) if _base(cell.arm) in options.arms]
    cells = [cell for cell in cells if twins or not is_twin(cell.arm.name)]
    specs = [one for spec in options.arms for one in ((spec, spec.twin) if twins else (spec,))]
    study.progress.plan(design.sessions * (len(specs) * (len(declared.costs) * design.pairs + 1) + len(cells)))
    for sentence in _plan(declared, options, cells, quick=study.quick):
        study.progress.tell(sentence)
        study.notes.append(sentence)
    with Pair.started(study.folder) as generators:
        runs = Cells(study, declared, cells, {}, generators)
        details = _all_sessions(study, declared, options, specs, runs)
    names = [spec.name for spec in options.arms]
    return verdicts.result(
        study, declared, names, runs.rates, planted=options.planted > 0, measured=runs.measured, details=details
    )  # fmt: skip


def _all_sessions(
    study: Study, declared: Declaration, options: Options, specs: Sequence[ArmSpec], runs: Cells
) -> Mapping[str, Any]:
    """Measure all sessions; return what was done afterwards."""
    details: Mapping[str, Any] = {}
    design, chance = options.design, random.Random(study.seed)
    for number in range(1, design.sessions + 1):
        study.progress.doing(f"Session {number}: starting everything afresh")
        with started(specs, study.budget, chance) as arms:
            with ThreadPoolExecutor(len(arms)) as pool:
                list(pool.map(declared.prepare, arms.values()))
            if number == 1:
                runs.rates = _prepare(study, declared, {spec.name: arms[spec.name] for spec in options.arms})
            began = len(study.runs)
            _session(study, declared, options, arms, runs, number)
            for run in study.runs[began:]:
                run["session"] = number
            if declared.afterwards and number == design.sessions:
                details = declared.afterwards(study, arms)
    return details


def _base(spec: ArmSpec) -> ArmSpec:
    return replace(spec, name=without_twin(spec.name))


def _shortened(study: Study, declared: Declaration, options: Options) -> Declaration:
    if study.quick:  # whether it runs, and keeps every promise; two starts show nothing
        study.notes.append("The short form measures CPU alone, of the first unit of work.")
        return replace(declared, costs=declared.costs[:1], waits=())
    alone = len(options.arms) == 1
    costs = declared.costs[:1] if alone else declared.costs
    return declared if options.waits else replace(declared, waits=(), costs=costs)


def _plan(declared: Declaration, options: Options, cells: list[Cell], *, quick: bool) -> list[str]:
    """Return what is measured, how long that takes, and what was left out for it."""
    design = options.design
    said = f"{design.sessions} sessions, {design.pairs} pairs of pulses in each, all fixed beforehand"
    if not declared.costs:
        said = f"{design.sessions} sessions of {len(cells)} runs, all fixed beforehand"
    plan = [f"{said}: {declared.minutes(design, cells):.0f} minutes or so"]
    whole = replace(declared, most_minutes=math.inf)
    if not quick and (missing := len(whole.cells(design)) - len(cells)) > 0:
        plan.append(
            f"The whole grid would take {declared.minutes(design):.0f} minutes; {missing} runs of a session, farthest "
            f"from the base, are left out, so that it is done in {declared.most_minutes:.0f}."
        )
    return plan


def _prepare(study: Study, declared: Declaration, arms: Mapping[str, Arm]) -> Rates:
    """Prove that the builds behave alike, and return the rates, which are the same in all sessions."""
    rates: Rates = {}
    first = {arm.runner.stack.name: arm for arm in [*arms.values()][::-1] if not arm.is_elsewhere}
    places = {arm.runner.site.data if isinstance(arm.runner, LocalRunner) else name for name, arm in first.items()}
    is_short = study.quick and declared.quick.sessions == 1
    if len(places) > 1:  # the journeys find stacks by the folder they are started in
        study.notes.append("That the builds behave the same was not proven beforehand: they run in different places.")
    elif len(first) > 1 and not is_short:
        study.progress.tell(f"the builds behave the same: {journeys_core.prove(first, study.folder / 'core.log')}")
    for cost in declared.costs:
        probed = {name: probe.probed(study, arm, cost.mix) for name, arm in arms.items()}
        for name, arm in arms.items():  # arms of one build are asked equally, too
            own = [rate for other, rate in probed.items() if arms[other].runner.stack.name == arm.runner.stack.name]
            rates[cost.mix, name] = cost.share * min(own)
    for waits in declared.waits:
        rate = waits.rate or (waits.quick_rate if is_short else 0.0)
        rate = rate or waits.share * min(probe.probed(study, arm, waits.mix) for arm in arms.values())
        rates |= {(waits.mix, name): rate for name in arms}
    return rates


def _session(
    study: Study, declared: Declaration, options: Options, arms: Mapping[str, Arm], runs: Cells, number: int
) -> None:
    """Measure once on arms that are up: CPU on live, warm data, then runs."""
    seed, folder = study.seed + 100 * number, study.folder / f"session-{number}"

    def folder_of(name: str) -> Path:
        return folder / slug(name)

    with WarmGenerator(study.folder / "generator.log") as warm_generator:
        ours = [arm for arm in arms.values() if not arm.is_elsewhere]  # another has data, and is warm
        with ThreadPoolExecutor(max(1, len(ours))) as pool:
            list(pool.map(lambda arm: arm.fresh_data(PRODUCTS), ours))
        for arm in ours:
            arm.warm(folder_of(arm.name), warm_generator.run, seconds=WARM_S, seed=seed)
        if options.planted:
            _slow_down(study, warm_generator, arms[f"{options.planted_in}{TWIN}"], options.planted, folder)
        for cost in declared.costs:
            loads = [Pulse(name, cost.unit, cost.mix, runs.rates[cost.mix, without_twin(name)]) for name in arms]
            study.progress.doing(f"Session {number}: pulses, {cost.what}")
            interleaved_slices.measure(study, arms, loads, options.design.pairs, seed=seed, folder=folder_of)
        is_live = not any(isinstance(load, Waits) and load.is_fresh for load in declared.loads)
        if is_live:
            runs.measure(arms, warm_generator.run, seed)
        for name, arm in arms.items() if declared.costs or is_live else ():
            last = [run for run in study.runs if run["build"] == name][-1]
            histories = [*folder_of(name).rglob("orders.jsonl"), *(runs.histories(name) if is_live else ())]
            close_books(study, arm, histories, last)
        if not is_live:
            runs.measure(arms, warm_generator.run, seed)


def _slow_down(study: Study, warm_generator: WarmGenerator, arm: Arm, share: float, folder: Path) -> None:
    """Make each order slower by a share of what it costs: a busy loop in the arm, which ends with it."""
    part = next(part.name for part in arm.runner.stack.parts if part.kind == "app" and part.name in ("web", "orders"))
    injected_faults.arm(arm.runner, part)
    for _ in range(2):  # the first warms the restarted process up
        before = accounting.take(arm.runner)
        summary = arm.warm(folder / slug(arm.name), warm_generator.run, seconds=WARM_S, seed=study.seed)
        cost_ms = accounting.between(before, accounting.take(arm.runner)).per(summary["orders_confirmed"])
    if cost_ms is None:
        raise DeployError("No order was confirmed, so that nothing can be planted.")
    injected_faults.set_fault(arm.runner, "orders", {"hog_ms": share * cost_ms})
    study.notes.append(f"PLANTED: a busy loop of {share * cost_ms:.2f} ms in each order of {arm.name}.")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise DeployError(f"planted={text!r} is no number.") from error
    if not 0 <= share <= 1:
        raise DeployError("planted: want a share from 0 to 1, such as 0.1.")
    return share
