"""One experiment under way: its folder, its seed, what it has found so far, and the result made of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.model.errors import DeployError
from loadtests.engine import environment
from loadtests.engine.budgets import Budget
from loadtests.engine.progress import ProgressReporter
from loadtests.engine.registry import Experiment
from loadtests.load.users.traffic import mix_of
from loadtests.measure.verdict import ViolationRow
from loadtests.report.claims import table
from loadtests.report.result import SCHEMA_VERSION, Environment, Gate, Ratio, Result, Run
from loadtests.report.sections import BUSY_SHARE
from loadtests.report.words import slug

DEFAULT_SEED = 8001
PRODUCTS = 1000


@dataclass
class Study:
    """`quick` asks for the short form. Runs are numbered as they are added, in the order of time."""

    experiment: Experiment
    folder: Path
    budget: Budget
    progress: ProgressReporter
    seed: int = DEFAULT_SEED
    quick: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    slow_traces: list[dict[str, Any]] = field(default_factory=list)  # where tracing was on: see slow_traces.py
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _began: float = field(default_factory=time.monotonic)
    _environment: Environment = field(init=False)

    def __post_init__(self) -> None:
        # Before any load of ours, so that the load average is that of the machine.
        self._environment = environment.describe(self.budget, self.seed)
        load, cores = self._environment["load_average"][0], self._environment["cores"]
        if load > BUSY_SHARE * cores:
            self.notes.append(
                f"The machine was busy before this began: a load average of {load:.1f} on {cores} cores. Figures of "
                "speed are of that machine, too; ratios of CPU suffer less."
            )
        if not self.budget.enforced:
            self.notes.append(
                "Builds and load could not be kept on different cores here: figures of speed say nothing, and no "
                "winner in speed is named. CPU per order stays valid."
            )

    def use(self, budget: Budget) -> None:
        """Measure with other cores than those that it began with."""
        self.budget = budget
        self._environment["budgets"] = budget.as_dict()

    @property
    def next_number(self) -> int:
        """The number of the next run."""
        return len(self.runs) + 1

    def chosen(self, option: str, every: Sequence[Any], quick: Sequence[str] = ()) -> list[Any]:
        """Return which of `every` (by name) `--set arms=a,b` asks for, else the `quick` ones or all.

        Raises DeployError.
        """
        by_name = {one.name: one for one in every}
        asked = self.options.get(option)
        names = asked.split(",") if asked else quick if self.quick and quick else list(by_name)
        for name in names:
            if name not in by_name:
                raise DeployError(f"{option}: there is no '{name}'; there are {', '.join(by_name)}.")
        return [by_name[name] for name in names]

    def raw_folder(self, number: int, name: str) -> Path:
        """Make the folder of a run's raw data and return it."""
        folder = self.folder / f"run-{number:02d}-{slug(name)}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def result(
        self,
        *,
        answer: Sequence[str],
        comparison: Mapping[str, Ratio],
        findings: Mapping[str, tuple[str, str]],
        gate: Gate | None = None,
        violations: Sequence[ViolationRow] = (),
        next_command: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> Result:
        """Return the result of what was found. `findings`: (verdict, evidence) by claim."""
        result: Result = {
            "schema_version": SCHEMA_VERSION,
            "experiment": self.experiment.name,
            "plan": self.experiment.plan,
            "answer": list(answer),
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "duration_s": round(time.monotonic() - self._began, 1),
            "quick": self.quick,
            "options": dict(self.options),
            "environment": self._environment,
            "runs": self.runs,
            "comparison": dict(comparison),
            "aa_gate": gate,
            "claims": table(findings),
            "violations": list(violations),
            "notes": self.notes,
        }
        if next_command:
            result["next_command"] = next_command
        own = dict(details or {}) | ({"slow_traces": self.slow_traces} if self.slow_traces else {})
        if own:
            result["details"] = own
        return result


def whole_number(study: Study, name: str, default: int, least: int) -> int:
    """Return what `--set` says of a number. Raises DeployError that names it."""
    text = study.options.get(name, str(default))
    if not text.isdecimal() or int(text) < least:
        raise DeployError(f"{name}={text}: want a whole number, {least} at least.")
    return int(text)


def chosen_mix(study: Study, default: str) -> str:
    """Return the mix that `--set mix=...` names, or the default. Raises DeployError that names it."""
    try:
        return mix_of(study.options.get("mix", default)).name
    except ValueError as error:
        raise DeployError(str(error)) from error
