"""Which experiments there are, and what their docstrings say."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deploy.model.errors import DeployError
from loadtests.report.result import Plan, Result

MODULES = {
    "demo": "loadtests.experiments.demo",
    "bench": "loadtests.experiments.bench",
    "steady": "loadtests.experiments.steady",
    "capacity": "loadtests.experiments.capacity",
    "three-rulers": "loadtests.experiments.three_rulers",
    "blast-radius": "loadtests.experiments.blast_radius",
    "overhead-ladder": "loadtests.experiments.overhead_ladder",
    "scaling": "loadtests.experiments.scaling",
    "complexity": "loadtests.experiments.complexity",
    "consistency": "loadtests.experiments.consistency",
    "crossover": "loadtests.experiments.crossover",
    "resilience": "loadtests.experiments.resilience",
    "deploy": "loadtests.experiments.deploy_under_load",
    "messaging": "loadtests.experiments.messaging",
    "canary": "loadtests.experiments.canary",
    "migration": "loadtests.experiments.migration",
    "chaos": "loadtests.experiments.chaos",
    "tracing": "loadtests.experiments.tracing",
    "instrument": "loadtests.experiments.instrument",
}
SECTIONS = {
    "Question": "question",
    "Hypothesis": "hypothesis",
    "Load": "load",
    "What is held equal": "held_equal",
    "How to read it": "how_to_read",
}
_HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):\s*", re.MULTILINE)


class NoSuchExperiment(DeployError):
    """There is no experiment of this name."""


@dataclass(frozen=True)
class Experiment:
    """One experiment. `plan` is its docstring, read without importing it."""

    name: str
    module: str
    plan: Plan

    def load(self) -> Callable[[Any], Result]:
        """Import it, and return the function that conducts it in a study (loadtests/experiments/study.py)."""
        run: Callable[[Any], Result] = importlib.import_module(self.module).run
        return run


def find(name: str) -> Experiment:
    """Return the experiment of this name; `three_rulers` is `three-rulers`. Raises NoSuchExperiment."""
    known = name.replace("_", "-")
    if known not in MODULES:
        raise NoSuchExperiment(f"There is no experiment '{name}'; there are {', '.join(MODULES)}.")
    return Experiment(known, MODULES[known], read_plan(_docstring(MODULES[known])))


def every() -> list[Experiment]:
    """Return all experiments."""
    return [find(name) for name in MODULES]


def read_plan(docstring: str) -> Plan:
    """Split a docstring into its title and its five sections. Raises ValueError that names what is missing."""
    title, *rest = _HEADING.split(docstring.strip())
    found = {SECTIONS[heading]: " ".join(text.split()) for heading, text in zip(rest[::2], rest[1::2], strict=True)}
    missing = [heading for heading, field in SECTIONS.items() if not found.get(field)]
    if missing:
        raise ValueError(f"the docstring lacks {', '.join(missing)}")
    return Plan(
        title=" ".join(title.split()).rstrip("."),
        question=found["question"],
        hypothesis=found["hypothesis"],
        load=found["load"],
        held_equal=found["held_equal"],
        how_to_read=found["how_to_read"],
    )


def _docstring(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise NoSuchExperiment(f"{module} is missing.")
    return ast.get_docstring(ast.parse(Path(spec.origin).read_text("utf-8"))) or ""
