"""Conducts a comparison of arms: fresh starts with twins, pulses for CPU, open arrivals for waits."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.faults import injected_faults
from deploy.model.errors import DeployError
from loadtests.engine import interleaved_slices, journeys_core, probe, rounds, verdicts
from loadtests.engine.ablation import Ablation
from loadtests.engine.arm import TWIN, Arm, ArmSpec
from loadtests.engine.closing import close_books
from loadtests.engine.declaration import Declaration
from loadtests.engine.fresh_start import fresh_start
from loadtests.engine.interleaved_slices import Pulse
from loadtests.engine.study import PRODUCTS, Study, whole_number
from loadtests.engine.trial import Load, once_more_if_void
from loadtests.engine.warm_generator import WarmGenerator
from loadtests.measure import accounting
from loadtests.measure.replication import Design
from loadtests.report.result import Result

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
        sessions = whole_number(study, "sessions", design.sessions, 2)
        pairs = whole_number(study, "pairs", design.pairs, 1)
        arms = (by_name[build],) if figures == "aa" else declared.arms
        design = replace(design, sessions=sessions, pairs=pairs)
        return cls(arms, figures == "all", design, _share(study.options.get("planted", "0")), build)


def conduct(study: Study, declared: Declaration | Ablation) -> Result:
    """Measure what is declared: in fresh starts of all arms, or variants in turns, and say what that shows."""
    return rounds.conduct(study, declared) if isinstance(declared, Ablation) else _sessions(study, declared)


def _sessions(study: Study, declared: Declaration) -> Result:
    """Measure session by session, and say what they show together."""
    options = Options.of(study, declared)
    if study.quick:  # whether it runs, and keeps every promise; two starts show nothing
        declared = replace(declared, costs=declared.costs[:1], waits=())
        study.notes.append("The short form measures CPU alone, of the first unit of work.")
    elif not options.waits:
        alone = len(options.arms) == 1
        declared = replace(declared, waits=(), costs=declared.costs[:1] if alone else declared.costs)
    chance = random.Random(study.seed)
    specs = [one for spec in options.arms for one in (spec, spec.twin)]
    per_session = len(declared.costs) * options.design.pairs + len(declared.waits)
    study.progress.plan(options.design.sessions * len(specs) * (per_session + 1))
    study.progress.tell(
        f"{options.design.sessions} sessions, {options.design.pairs} pairs of pulses in each, all fixed beforehand: "
        f"{declared.minutes(options.design):.0f} minutes or so"
    )
    rates: Rates = {}
    for number in range(1, options.design.sessions + 1):
        study.progress.doing(f"Session {number}: starting everything afresh")
        with fresh_start(specs, study.budget, chance) as arms:
            if number == 1:
                rates = _prepare(study, declared, {spec.name: arms[spec.name] for spec in options.arms})
            began = len(study.runs)
            _session(study, declared, options, arms, rates, number)
            for run in study.runs[began:]:
                run["session"] = number
    return verdicts.result(study, declared, [spec.name for spec in options.arms], rates, planted=options.planted > 0)


def _prepare(study: Study, declared: Declaration, arms: Mapping[str, Arm]) -> Rates:
    """Prove that the builds behave alike, and return the rates, which are the same in all sessions."""
    rates: Rates = {}
    first = {arm.runner.stack.name: arm for arm in [*arms.values()][::-1]}
    if len(first) > 1:
        study.progress.tell(f"the builds behave the same: {journeys_core.prove(first, study.folder / 'core.log')}")
    for name, arm in arms.items():
        for cost in declared.costs:
            rates[cost.mix, name] = cost.share * probe.probed(study, arm, cost.mix)
    for waits in declared.waits:
        slowest = min(probe.probed(study, arm, waits.mix) for arm in arms.values())
        rates |= {(waits.mix, name): waits.share * slowest for name in arms}
    return rates


def _session(
    study: Study, declared: Declaration, options: Options, arms: Mapping[str, Arm], rates: Rates, number: int
) -> None:
    """Measure once on arms that are up: CPU on live, warm data, then waits on fresh data."""
    seed, folder = study.seed + 100 * number, study.folder / f"session-{number}"
    with WarmGenerator(study.folder / "generator.log") as warm_generator:
        for name, arm in arms.items():
            arm.fresh_data(PRODUCTS)
            arm.warm(folder / name, warm_generator.run, seconds=WARM_S, seed=seed)
        if options.planted:
            _slow_down(study, warm_generator, arms[f"{options.planted_in}{TWIN}"], options.planted, folder)
    for cost in declared.costs:
        loads = [Pulse(name, cost.unit, cost.mix, rates[cost.mix, _spec(name)]) for name in arms]
        study.progress.doing(f"Session {number}: pulses, {cost.what}")
        interleaved_slices.measure(study, arms, loads, options.design.pairs, seed=seed, folder=folder.joinpath)
    for name, arm in arms.items():
        last = [run for run in study.runs if run["build"] == name][-1]
        close_books(study, arm, (folder / name).rglob("orders.jsonl"), last)
    chance = random.Random(seed)
    for waits in declared.waits:
        for arm in chance.sample(list(arms.values()), len(arms)):
            load = Load(rates[waits.mix, _spec(arm.name)], waits.duration_s, waits.warm_up_s, waits.mix)
            began = len(study.runs)
            once_more_if_void(study, arm, load, pair=1, seed=seed)
            for run in study.runs[began:]:
                for by_journey in (run["latency_ms_by_journey"], run["histograms"], run["requests_by_journey"]):
                    _keep(by_journey, waits.journeys)


def _slow_down(study: Study, warm_generator: WarmGenerator, arm: Arm, share: float, folder: Path) -> None:
    """Make each order slower by a share of what it costs: a busy loop in the arm, which ends with it."""
    part = next(part.name for part in arm.runner.stack.parts if part.kind == "app" and part.name in ("web", "orders"))
    injected_faults.arm(arm.runner, part)
    for _ in range(2):  # the first warms the restarted process up
        before = accounting.take(arm.runner)
        summary = arm.warm(folder / arm.name, warm_generator.run, seconds=WARM_S, seed=study.seed)
        cost_ms = accounting.between(before, accounting.take(arm.runner)).per(summary["orders_confirmed"])
    if cost_ms is None:
        raise DeployError("No order was confirmed, so that nothing can be planted.")
    injected_faults.set_fault(arm.runner, "orders", {"hog_ms": share * cost_ms})
    study.notes.append(f"PLANTED: a busy loop of {share * cost_ms:.2f} ms in each order of {arm.name}.")


def _spec(arm: str) -> str:
    return arm.removesuffix(TWIN)


def _keep(by_journey: dict[str, Any], journeys: Sequence[str]) -> None:
    """Leave out the journeys that another mix is for: a plot would merge them."""
    for name in by_journey.keys() - set(journeys):
        del by_journey[name]


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise DeployError(f"planted={text!r} is no number.") from error
    if not 0 <= share <= 1:
        raise DeployError("planted: want a share from 0 to 1, such as 0.1.")
    return share
