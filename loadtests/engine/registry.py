"""Which experiments there are, and what their docstrings say."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from deploy.model.errors import DeployError
from loadtests.report.headline import Lead
from loadtests.report.plot import Plot
from loadtests.report.result import Plan, Result

FOLDER = Path(__file__).parent.parent / "experiments"
ENTRY_POINTS = "twinshop.experiments"  # the group in which another package names modules that are experiments
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
    source: Path
    plan: Plan
    module: str = ""  # how it is imported; "" for a file that is in no package

    def load(self) -> Callable[[Any], Result]:
        """Import it, and return the function that conducts it in a study (loadtests/engine/study.py).

        A module holds that function as `run`, or a declaration as `EXPERIMENT`. Raises NoSuchExperiment.
        """
        module = self._imported()
        if declared := getattr(module, "EXPERIMENT", None):
            from loadtests.engine.from_outside import conduct  # noqa: PLC0415  (the engine knows all that measures)

            return lambda study: conduct(study, declared)
        if not hasattr(module, "run"):
            raise NoSuchExperiment(f"{self.source} has neither an EXPERIMENT nor a function `run`.")
        run: Callable[[Any], Result] = module.run
        return run

    def plots(self) -> tuple[Plot, ...]:
        """Return the plots that only this experiment has: what its module holds as `PLOTS`."""
        plots: tuple[Plot, ...] = getattr(self._imported(), "PLOTS", ())
        return plots

    def headlines(self) -> Mapping[str, Lead]:
        """Return the leading figure of each claim that it is about: what its module holds as `HEADLINES`."""
        headlines: Mapping[str, Lead] = getattr(self._imported(), "HEADLINES", {})
        return headlines

    def leaves_up(self) -> tuple[str, ...]:
        """Return the builds that it leaves up for the reader to look around in: `LEAVES_UP` of its module."""
        builds: tuple[str, ...] = getattr(self._imported(), "LEAVES_UP", ())
        return builds

    @property
    def takes_addresses(self) -> bool:
        """Whether shops elsewhere can be its arms: it compares waits, and declares how."""
        return bool(getattr(getattr(self._imported(), "EXPERIMENT", None), "waits", ()))

    def _imported(self) -> ModuleType:
        return importlib.import_module(self.module) if self.module else _module_of(self.source)


def find(name: str) -> Experiment:
    """Return the experiment of this name; `three_rulers` is `three-rulers`. Raises NoSuchExperiment."""
    by_name = {experiment.name: experiment for experiment in every()}
    if experiment := by_name.get(name.replace("_", "-")):
        return experiment
    raise NoSuchExperiment(f"There is no experiment '{name}'; there are {', '.join(by_name)}.")


def plots_of(name: str) -> tuple[Plot, ...]:
    """Return the plots of the experiment of this name; none of one that is not here, such as somebody's file."""
    try:
        return find(name).plots()
    except NoSuchExperiment:
        return ()


def every() -> list[Experiment]:
    """Return all experiments: modules of FOLDER, and of entry points, whose docstring asks a question."""
    here = [*(path.stem for path in FOLDER.glob("*.py")), *(path.parent.name for path in FOLDER.glob("*/__init__.py"))]
    modules = {name: f"loadtests.experiments.{name}" for name in sorted(here)}
    modules |= {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}
    return [
        Experiment(name.replace("_", "-"), source, read_plan(docstring), module)
        for name, module in modules.items()
        if (source := _source(module)) and _HEADING.search(docstring := _docstring(source))
    ]


def from_file(path: Path) -> Experiment:
    """Return the experiment that a file holds, wherever it lies. Raises NoSuchExperiment that says what is missing."""
    try:
        return Experiment(path.stem.replace("_", "-"), path, read_plan(_docstring(path)))
    except (OSError, SyntaxError, ValueError) as error:
        raise NoSuchExperiment(f"{path} holds no experiment: {error}.") from error


def read_plan(docstring: str) -> Plan:
    """Split a docstring into its title and its five sections. Raises ValueError that names what is missing."""
    title, *rest = _HEADING.split(docstring.strip())
    texts = {SECTIONS[heading]: " ".join(text.split()) for heading, text in zip(rest[::2], rest[1::2], strict=True)}
    missing = [heading for heading, field in SECTIONS.items() if not texts.get(field)]
    if missing:
        raise ValueError(f"the docstring lacks {', '.join(missing)}")
    return Plan(
        title=" ".join(title.split()).rstrip("."),
        question=texts["question"],
        hypothesis=texts["hypothesis"],
        load=texts["load"],
        held_equal=texts["held_equal"],
        how_to_read=texts["how_to_read"],
    )


def _source(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _docstring(source: Path) -> str:
    text = source.read_text("utf-8")
    return ast.get_docstring(ast.parse(text)) or "" if "Question:" in text else ""


def _module_of(source: Path) -> ModuleType:
    spec = spec_from_file_location(source.stem, source)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[source.stem] = module  # dataclasses look there for what their annotations mean
    spec.loader.exec_module(module)
    return module
